#include "storage/sealing/hmac.h"

#include <glog/logging.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "storage/sealing/bytes.h"

namespace innkeeper::storage {
namespace {

using OwnedMac = ContextPool<EVP_MAC_CTX, EVP_MAC_CTX_free>::Owned;

OwnedMac NewContext(absl::string_view key) {
  EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  CHECK(hmac != nullptr);
  OwnedMac context(EVP_MAC_CTX_new(hmac));
  EVP_MAC_free(hmac);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  CHECK_EQ(EVP_MAC_init(context.get(), Bytes(key), key.size(), parameters), 1);
  return context;
}

}  // namespace

HmacSha256::HmacSha256(absl::string_view key) : contexts_(NewContext(key), EVP_MAC_CTX_dup) {}

void HmacSha256::Compute(absl::string_view first, absl::string_view second, uint8_t* out) const {
  const Pool::Lease context = contexts_.Take();
  size_t length = 0;
  CHECK_EQ(EVP_MAC_init(context.get(), nullptr, 0, nullptr), 1);
  for (const absl::string_view part : {first, second}) {
    CHECK_EQ(EVP_MAC_update(context.get(), Bytes(part), part.size()), 1);
  }
  CHECK_EQ(EVP_MAC_final(context.get(), out, &length, kBytes), 1);
}

}  // namespace innkeeper::storage
