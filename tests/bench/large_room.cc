#include "tests/bench/large_room.h"

#include <glog/logging.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/lifecycle/room_edit.h"
#include "server/store.h"
#include "storage/room_store.h"

namespace innkeeper::bench {
namespace {

void CheckOk(const absl::Status& status) { CHECK(status.ok()) << status; }

}  // namespace

void AddMembers(const ServerConfig& config, const std::string& room_id, int count) {
  constexpr int kAtOnce = 1000;
  const auto store = OpenStore(config);
  CHECK(store.ok()) << store.status();
  const Clock clock = absl::Now;
  const RandomBytes random = SecureRandom();
  const lifecycle::EditContext context{clock, random, config.server_name};
  for (int first = 0; first < count; first += kAtOnce) {
    const storage::RoomReader reader(*store->engine);
    lifecycle::RoomEdit edit(reader, **reader.GetRoom(room_id), context);
    for (int i = first; i < std::min(first + kAtOnce, count); ++i) {
      const std::string user =
          absl::StrCat("@member", i, i % 2 == 0 ? ":example.org" : ":elsewhere.org");
      CheckOk(edit.Append({.type = "m.room.member",
                           .state_key = user,
                           .sender = user,
                           .content = {{"membership", "join"},
                                       {"displayname", absl::StrCat("Member ", i)},
                                       {"avatar_url", "mxc://example.org/avatar"}}}));
    }
    storage::RoomCommit commit;
    CheckOk(edit.Stage(commit));
    CheckOk(storage::CommitAndWait(*store->engine, commit.Take()).status);
  }
  CheckOk(store->engine->Close());
}

}  // namespace innkeeper::bench
