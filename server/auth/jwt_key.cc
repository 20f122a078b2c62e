#include "server/auth/jwt_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/auth/strict_json.h"

namespace innkeeper::auth {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxKeyIdBytes = 256;
constexpr size_t kEd25519KeyBytes = 32;
constexpr size_t kEd25519SignatureBytes = 64;
constexpr size_t kP256FieldBytes = 32;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;

template <typename T, void (*kFree)(T*)>
struct Freer {
  void operator()(T* object) const { kFree(object); }
};
template <typename T, void (*kFree)(T*)>
using Owned = std::unique_ptr<T, Freer<T, kFree>>;

using Number = Owned<BIGNUM, BN_free>;
using Digest = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using Parameters = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using ParameterBuilder = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using KeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Signature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

Number ToNumber(absl::string_view bytes) {
  return Number(BN_bin2bn(Bytes(bytes), static_cast<int>(bytes.size()), nullptr));
}

// Returns the key of OpenSSL's type `type` with these parameters; nullptr if there is no
// such key.
std::shared_ptr<EVP_PKEY> MakeKey(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  std::shared_ptr<EVP_PKEY> key(made, EVP_PKEY_free);
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  return check != nullptr && EVP_PKEY_public_check(check.get()) == 1 ? key : nullptr;
}

std::shared_ptr<EVP_PKEY> Ed25519Key(absl::string_view x) {
  if (x.size() != kEd25519KeyBytes) return nullptr;
  return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(x), x.size()),
          EVP_PKEY_free};
}

std::shared_ptr<EVP_PKEY> P256Key(absl::string_view x, absl::string_view y) {
  if (x.size() != kP256FieldBytes || y.size() != kP256FieldBytes) return nullptr;
  const std::string point = absl::StrCat("\x04", x, y);  // uncompressed
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return MakeKey("EC", builder.get());
}

std::shared_ptr<EVP_PKEY> RsaKey(absl::string_view n, absl::string_view e) {
  const Number modulus = ToNumber(n);
  const Number exponent = ToNumber(e);
  const int bits = BN_num_bits(modulus.get());
  if (bits < kMinRsaBits || bits > kMaxRsaBits || BN_num_bits(exponent.get()) > 64 ||
      !BN_is_odd(exponent.get()) || BN_is_one(exponent.get())) {
    return nullptr;
  }
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return MakeKey("RSA", builder.get());
}

// Returns the two numbers of an ECDSA signature as OpenSSL has them: in DER.
std::string ToDer(absl::string_view signature) {
  const Signature numbers(ECDSA_SIG_new());
  ECDSA_SIG_set0(numbers.get(), ToNumber(signature.substr(0, kP256FieldBytes)).release(),
                 ToNumber(signature.substr(kP256FieldBytes)).release());
  uint8_t* der = nullptr;
  const int size = i2d_ECDSA_SIG(numbers.get(), &der);
  std::string text(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return text;
}

// Reads one key set; notes what is wrong with it first.
class KeySetReader {
 public:
  absl::StatusOr<JwtKeys> Read(const Json& set) {
    const auto keys = set.is_object() ? set.find("keys") : set.end();
    if (!set.is_object() || keys == set.end() || !keys->is_array()) {
      return absl::InvalidArgumentError("must be an object with an array \"keys\"");
    }
    for (size_t i = 0; i < keys->size() && status_.ok(); ++i) {
      place_ = absl::StrCat("keys[", i, "]");
      ReadKey((*keys)[i]);
    }
    if (status_.ok() && keys_.empty()) {
      Fail("keys", "must have a key for EdDSA (Ed25519), ES256 or RS256");
    }
    if (!status_.ok()) return status_;
    return std::move(keys_);
  }

 private:
  // The kinds of keys that are used here.
  struct Kind {
    absl::string_view type;
    absl::string_view curve;  // "" for those that have none
    JwtAlgorithm algorithm;
    absl::string_view algorithm_name;
    std::vector<const char*> parameters;
  };

  static const Kind* FindKind(absl::string_view type, absl::string_view curve) {
    static const auto& kinds =
        *new std::vector<Kind>{{"OKP", "Ed25519", JwtAlgorithm::kEdDsa, "EdDSA", {"x"}},
                               {"EC", "P-256", JwtAlgorithm::kEs256, "ES256", {"x", "y"}},
                               {"RSA", "", JwtAlgorithm::kRs256, "RS256", {"n", "e"}}};
    for (const Kind& kind : kinds) {
      if (kind.type == type && (kind.curve.empty() || kind.curve == curve)) return &kind;
    }
    return nullptr;
  }

  void Fail(absl::string_view place, absl::string_view description) {
    if (status_.ok()) {
      status_ = absl::InvalidArgumentError(absl::StrCat(place, ": ", description));
    }
  }

  // The text at `name`; "" if there is none.
  std::string Text(const Json& key, const char* name) {
    const auto value = key.find(name);
    if (value == key.end()) return "";
    if (value->is_string()) return value->get<std::string>();
    Fail(absl::StrCat(place_, ".", name), "must be a string");
    return "";
  }

  void ReadKey(const Json& key) {
    if (!key.is_object()) return Fail(place_, "must be an object");
    const std::string type = Text(key, "kty");
    const std::string use = Text(key, "use");
    const std::string algorithm = Text(key, "alg");
    const std::string key_id = Text(key, "kid");
    const Kind* const kind = FindKind(type, Text(key, "crv"));
    if (!status_.ok()) return;
    if (type == "oct" || key.contains("d")) {
      return Fail(place_, "is a secret key; the file must hold public keys only");
    }
    const bool is_for_others = kind == nullptr || (!use.empty() && use != "sig") ||
                               (!algorithm.empty() && algorithm != kind->algorithm_name);
    if (is_for_others) return;
    if (key_id.empty() || key_id.size() > kMaxKeyIdBytes) {
      return Fail(absl::StrCat(place_, ".kid"), "must be a text of 1 to 256 bytes");
    }
    std::shared_ptr<EVP_PKEY> made = PublicKey(key, *kind);
    if (!status_.ok()) return;
    if (!keys_.emplace(key_id, JwtKey(kind->algorithm, std::move(made))).second) {
      Fail(absl::StrCat(place_, ".kid"), "is the id of another key, too");
    }
  }

  std::shared_ptr<EVP_PKEY> PublicKey(const Json& key, const Kind& kind) {
    std::vector<std::string> values;
    for (const char* parameter : kind.parameters) {
      auto value = DecodeBase64Url(Text(key, parameter));
      if (!value || value->empty() || value->size() > kMaxRsaBits / 8) {
        Fail(absl::StrCat(place_, ".", parameter), "must be bytes in base64url without padding");
        return nullptr;
      }
      values.push_back(*std::move(value));
    }
    std::shared_ptr<EVP_PKEY> made = kind.algorithm == JwtAlgorithm::kEdDsa ? Ed25519Key(values[0])
                                     : kind.algorithm == JwtAlgorithm::kEs256
                                         ? P256Key(values[0], values[1])
                                         : RsaKey(values[0], values[1]);
    if (made == nullptr) {
      Fail(place_, "is no key of its kind; one for RS256 must have 2,048 to 8,192 bits");
    }
    return made;
  }

  absl::Status status_;
  std::string place_;
  JwtKeys keys_;
};

}  // namespace

std::optional<JwtAlgorithm> ParseJwtAlgorithm(absl::string_view name) {
  if (name == "EdDSA") return JwtAlgorithm::kEdDsa;
  if (name == "ES256") return JwtAlgorithm::kEs256;
  if (name == "RS256") return JwtAlgorithm::kRs256;
  return std::nullopt;
}

std::optional<std::string> DecodeBase64Url(absl::string_view text) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(text, &bytes) || absl::WebSafeBase64Escape(bytes) != text) {
    return std::nullopt;
  }
  return bytes;
}

absl::StatusOr<JwtKeys> ParseJwtKeys(absl::string_view text) {
  const auto json = ParseStrictJson(text);
  if (!json.ok()) return json.status();
  return KeySetReader().Read(*json);
}

bool JwtKey::Verifies(absl::string_view text, absl::string_view signature) const {
  std::string der;
  if (algorithm_ == JwtAlgorithm::kEs256) {
    if (signature.size() != 2 * kP256FieldBytes) return false;
    der = ToDer(signature);
    signature = der;
  }
  if (algorithm_ == JwtAlgorithm::kEdDsa && signature.size() != kEd25519SignatureBytes) {
    return false;
  }
  const EVP_MD* const hash = algorithm_ == JwtAlgorithm::kEdDsa ? nullptr : EVP_sha256();
  const Digest digest(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(digest.get(), nullptr, hash, nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(digest.get(), Bytes(signature), signature.size(), Bytes(text),
                          text.size()) == 1;
}

}  // namespace innkeeper::auth
