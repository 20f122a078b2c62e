// File: server/state/timeline_reader.h
//
// The reading use cases of RoomState: GetEvent, ListEvents.

#ifndef INNKEEPER_SERVER_STATE_TIMELINE_READER_H_
#define INNKEEPER_SERVER_STATE_TIMELINE_READER_H_

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_state.pb.h"
#include "server/base/audience.h"
#include "server/base/signed_token.h"
#include "storage/engine.h"

namespace innkeeper::state {

// Reads the timelines of rooms. Whoever calls has seen to it that the caller may act
// for the request's `requester`, or may read everything if there is none; whether the
// requester may see the room is checked here. Thread-safe. Its methods may block on the
// disk. Errors as documented for the RPCs, and those without a reason that are
// internal.
class TimelineReader {
 public:
  // The references must outlive the reader.
  TimelineReader(const storage::Engine& engine, const TokenSigner& signer)
      : engine_(engine), signer_(signer) {}

  absl::StatusOr<v1::GetEventResponse> GetEvent(const v1::GetEventRequest& request,
                                                const AudienceScope& scope) const;

  absl::StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& request,
                                                    const AudienceScope& scope) const;

 private:
  const storage::Engine& engine_;
  const TokenSigner& signer_;
};

}  // namespace innkeeper::state

#endif  // INNKEEPER_SERVER_STATE_TIMELINE_READER_H_
