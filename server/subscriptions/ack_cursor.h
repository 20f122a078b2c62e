// File: server/subscriptions/ack_cursor.h
//
// Cursors of consumers' streams: what AckEvents takes.
//
// A cursor is a signed token (server/base/signed_token.h) of purpose "ack" over
//
//   version 1 (1 byte)  uid of the subscription  consumer  ordinal of the message
//
// with the numbers in 8 bytes each, big-endian.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_ACK_CURSOR_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_ACK_CURSOR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/signed_token.h"
#include "server/subscriptions/ledger.h"

namespace innkeeper::subscriptions {

// Returns the cursor of a message.
std::string EncodeAckCursor(const TokenSigner& signer, uint64_t subscription_uid,
                            ConsumerNumber consumer, Ordinal ordinal);

// Returns the message of a cursor. Errors: INVALID_ARGUMENT, CURSOR_INVALID, about the
// field "cursor" and with the metadata `cause`, which is
//   "damaged"             it was not made by us, or altered;
//   "other-subscription"  it belongs to another subscription;
//   "other-consumer"      it belongs to another consumer.
absl::StatusOr<Ordinal> DecodeAckCursor(const TokenSigner& signer, absl::string_view cursor,
                                        uint64_t subscription_uid, ConsumerNumber consumer);

// The id of a consumer, and the consumer of an id, if it can be one.
std::string ConsumerId(ConsumerNumber consumer);
std::optional<ConsumerNumber> ParseConsumerId(absl::string_view id);

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_ACK_CURSOR_H_
