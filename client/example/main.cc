// Creates a room, and prints what happens to rooms from where the last run ended.
#include <fstream>
#include <iostream>
#include <variant>

#include "client/event_reader.h"
#include "client/innkeeper_client.h"

int main(int, char** argv) {  // HOST:PORT, token file, cursor file
  innkeeper::ClientOptions options = {.endpoint = argv[1], .token = innkeeper::TokenFile(argv[2])};
  options.tls.reset();  // the server is on this machine
  const innkeeper::Client client(options);

  innkeeper::v1::CreateRoomRequest request;
  request.set_creator("@alice:localhost");
  const auto created = client.CreateRoom(request);  // one room, however often it is tried
  if (!created.ok()) std::cerr << created.status() << std::endl;

  innkeeper::WatchOptions watch = {.start = innkeeper::WatchStart::kOldest};
  std::ifstream(argv[3]) >> watch.after_cursor;
  innkeeper::EventReader reader(client, watch);
  while (const auto item = reader.Next()) {  // goes on after broken connections and restarts
    if (const auto* event = std::get_if<innkeeper::v1::RoomEvent>(&item->what)) {
      std::cout << event->type() << " " << event->room_id() << std::endl;
    }
    std::ofstream(argv[3]) << item->cursor;  // the next run goes on behind this item
  }
  std::cerr << reader.status() << std::endl;
}
