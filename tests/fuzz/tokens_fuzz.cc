// Cursors and page tokens. The first byte of an input says what the others are: a token as a caller
// would send it, or, for what lies behind the signature, which nobody can forge, what is signed.

#include <glog/logging.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/stubs/logging.h"
#include "server/base/numbered_token.h"
#include "server/base/signed_token.h"
#include "server/errors/errors.h"
#include "server/feed/cursor.h"
#include "server/lifecycle/page_token.pb.h"
#include "server/lifecycle/paging.h"
#include "server/subscriptions/ack_cursor.h"
#include "tests/fuzz/fuzz_target.h"

namespace innkeeper::fuzz {
namespace {

constexpr char kPages[] = "pages";
constexpr uint64_t kFilter = 0x0123456789abcdef;
constexpr uint64_t kEpoch = 17;
constexpr storage::LogBounds kBounds{.oldest = 10, .head = 100};
constexpr uint64_t kSubscription = 4;
constexpr subscriptions::ConsumerNumber kConsumer = 5;

const TokenSigner& Signer() {
  static const TokenSigner signer(std::string(32, 'k'));
  return signer;
}

const feed::CursorCodec& Cursors() {
  static const feed::CursorCodec cursors(Signer(), [] {
    return std::make_shared<const storage::LogEpochs>(
        std::vector<storage::LogEpoch>{{kEpoch, 0}, {kEpoch + 1, 50}});
  });
  return cursors;
}

// A place to go on at that an error names.
void CheckOffered(const absl::Status& status, absl::string_view name) {
  const std::string offered = MetadataOf(status, name);
  CHECK(offered.empty() || Cursors().Decode(offered, kFilter, kBounds).ok()) << status;
}

void CheckCursor(absl::string_view cursor) {
  const auto position = Cursors().Decode(cursor, kFilter, kBounds);
  if (position.ok()) {
    // The same cursor, or one of the epoch that the position belongs to.
    const auto again = Cursors().Decode(Cursors().Encode(*position, kFilter), kFilter, kBounds);
    CHECK(again.ok() && *again == *position) << again.status();
    CHECK_GE(*position + 1, kBounds.oldest);
    CHECK_LE(*position, kBounds.head);
    return;
  }
  CHECK(absl::IsInvalidArgument(position.status()) || absl::IsOutOfRange(position.status()))
      << position.status();
  CheckOffered(position.status(), "common_cursor");
  CheckOffered(position.status(), "oldest_cursor");
}

void CheckAckCursor(absl::string_view cursor) {
  const auto ordinal = subscriptions::DecodeAckCursor(Signer(), cursor, kSubscription, kConsumer);
  if (ordinal.ok()) {
    CHECK_EQ(subscriptions::EncodeAckCursor(Signer(), kSubscription, kConsumer, *ordinal), cursor);
  } else {
    CHECK(absl::IsInvalidArgument(ordinal.status())) << ordinal.status();
  }
}

void CheckConsumerId(absl::string_view id) {
  const auto consumer = subscriptions::ParseConsumerId(id);
  if (consumer) CHECK_EQ(subscriptions::ConsumerId(*consumer), id);
}

template <typename Token>
void CheckPageToken(const std::string& sealed) {
  const auto token = lifecycle::OpenPageToken<Token>(Signer(), kPages, sealed);
  if (!token) return;
  const std::string again = lifecycle::SealPageToken(Signer(), kPages, *token);
  const auto reopened = lifecycle::OpenPageToken<Token>(Signer(), kPages, again);
  CHECK(reopened) << again;
  CHECK_EQ(reopened->SerializeAsString(), token->SerializeAsString());
}

// A string passes for one purpose at most, and no two strings for the same thing.
void CheckTokens(const std::string& token) {
  int purposes = 0;
  for (const absl::string_view purpose : {"cursor", "ack", kPages}) {
    if (const auto payload = Signer().Verify(purpose, token)) {
      CHECK_EQ(Signer().Sign(purpose, *payload), token);
      ++purposes;
    }
    if (const auto numbered = VerifyNumberedToken(Signer(), purpose, token)) {
      CHECK_EQ(NumberedTokens(Signer(), purpose, numbered->context).Sign({numbered->number}),
               token);
      ++purposes;
    }
  }
  CHECK_LE(purposes, 1) << token;
}

void CheckAll(const std::string& token) {
  CheckTokens(token);
  CheckCursor(token);
  CheckAckCursor(token);
  CheckConsumerId(token);
  CheckPageToken<lifecycle::StatePageToken>(token);
  CheckPageToken<lifecycle::RoomsPageToken>(token);
  CheckPageToken<lifecycle::MembersPageToken>(token);
  CheckPageToken<lifecycle::UserRoomsPageToken>(token);
  CheckPageToken<lifecycle::PendingInvitesPageToken>(token);
}

// The number of a cursor and its context, which `text` is: the number's bytes first.
std::string SignedCursor(absl::string_view text) {
  uint64_t number = 0;
  for (const char byte : text.substr(0, 8)) number = number << 8 | static_cast<uint8_t>(byte);
  text.remove_prefix(std::min<size_t>(text.size(), 8));
  return NumberedTokens(Signer(), "cursor", text).Sign({number});
}

}  // namespace

void TestOneInput(absl::string_view input) {
  if (input.empty()) return;
  const google::protobuf::LogSilencer silence;
  const absl::string_view rest = input.substr(1);
  switch (input[0]) {
    case 't':
      return CheckAll(std::string(rest));
    case 'c':
      return CheckAll(SignedCursor(rest));
    case 'a':
      return CheckAll(Signer().Sign("ack", rest));
    case 'p':
      return CheckAll(Signer().Sign(kPages, rest));
    default:
      return;
  }
}

std::vector<std::string> MadeSeeds() {
  lifecycle::StatePageToken page;
  page.set_room_id("!room:a.example");
  page.set_requester("@alice:a.example");
  page.set_revision(7);
  page.set_last_type("m.room.member");
  page.set_last_state_key("@bob:b.example");
  std::vector<std::string> seeds = {absl::StrCat("p", page.SerializeAsString())};
  seeds.push_back(absl::StrCat("t", lifecycle::SealPageToken(Signer(), kPages, page)));
  const std::string ack = subscriptions::EncodeAckCursor(Signer(), kSubscription, kConsumer, 12);
  // The same bytes in other words, too.
  for (const char* end : {"", "\n", "=", "."}) seeds.push_back(absl::StrCat("t", ack, end));
  seeds.push_back(absl::StrCat("t", subscriptions::ConsumerId(kConsumer)));
  for (const storage::LogPosition position : {0, 8, 9, 49, 50, 100, 101, 1000}) {
    const std::string cursor = Cursors().Encode(position, kFilter);
    seeds.push_back(absl::StrCat("t", cursor));
    const auto token = VerifyNumberedToken(Signer(), "cursor", cursor);
    seeds.push_back(absl::StrCat("c", std::string(7, '\0'),
                                 std::string(1, static_cast<char>(position)), token->context));
  }
  return seeds;
}

}  // namespace innkeeper::fuzz
