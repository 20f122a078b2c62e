// Creates a room, and prints what happens to rooms from where the last run ended.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "client/event_reader.h"
#include "client/innkeeper_client.h"

int main(int, char** argv) {  // HOST:PORT, token file, cursor file
  const innkeeper::Client client({.endpoint = argv[1],
                                  .tls = std::nullopt,  // the server is on this machine
                                  .token = innkeeper::TokenFile(argv[2])});
  innkeeper::v1::CreateRoomRequest request;
  request.set_creator("@alice:localhost");
  const auto created = client.CreateRoom(request);  // one room, however often it is tried
  if (!created.ok()) std::cerr << created.status() << std::endl;

  const std::string cursor_file = argv[3];
  innkeeper::WatchOptions watch = {.start = innkeeper::WatchStart::kOldest};
  std::ifstream(cursor_file) >> watch.after_cursor;
  innkeeper::EventReader reader(client, watch);
  while (const auto item = reader.Next()) {  // goes on after broken connections and restarts
    if (const auto* event = std::get_if<innkeeper::v1::RoomEvent>(&item->what)) {
      std::cout << event->type() << " " << event->room_id() << std::endl;
    }
    std::ofstream(cursor_file + ".new") << item->cursor;
    std::filesystem::rename(cursor_file + ".new", cursor_file);  // the next run goes on here
  }
  std::cerr << reader.status() << std::endl;
}
