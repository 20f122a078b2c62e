#include "server/config/options.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "server/config/host_port.h"
#include "server/config/option_kinds.h"

namespace innkeeper {
namespace {

constexpr int64_t kKiB = int64_t{1} << 10;
constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGiB = int64_t{1} << 30;
constexpr int64_t kTiB = int64_t{1} << 40;
constexpr absl::Duration kDay = absl::Hours(24);

constexpr int kMaxThreads = 1024;
constexpr size_t kMaxInstanceNameBytes = 64;

constexpr absl::string_view kPath = "a path";

bool IsAnything(absl::string_view) { return true; }

bool IsNotEmpty(absl::string_view text) { return !text.empty(); }

bool IsHostPort(absl::string_view text) { return ParseHostPort(text).has_value(); }

bool IsEmptyOrHostPort(absl::string_view text) { return text.empty() || IsHostPort(text); }

bool IsInstanceName(absl::string_view text) {
  return text.size() <= kMaxInstanceNameBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

Option Required(Option option) {
  option.required = true;
  return option;
}

// How often something may be done in the long run, and at once.
Option Rate(Binding<double> binding, absl::string_view help) {
  return Number(binding, {0.0001, 1'000'000, "without limit"}, help);
}

Option Burst(Binding<int> binding, absl::string_view help) {
  return Integer(binding, {1, 1'000'000}, help);
}

// The member called `member`, for an option of the same name.
#define BIND(member) \
  Binding<decltype(ServerConfig::member)> { #member, &ServerConfig::member }

OptionGroup ServerGroup() {
  return {
      "The server",
      {
          Required(Text(BIND(server_name), "a Matrix server name", IsNotEmpty,
                        "The Matrix server name of this server's users, rooms and aliases, such "
                        "as example.org. It belongs to the store: never change it.")),
          Text(BIND(instance_name), "at most 64 letters, digits, '.', '_' and '-'", IsInstanceName,
               "Tells this process from others on the same store, in logs and upgrade leases. "
               "Without it the host name is taken."),
      }};
}

OptionGroup ListeningGroup() {
  return {
      "Listening and callers",
      {
          Text(BIND(listen_address), "HOST:PORT, with an IPv6 address in brackets", IsHostPort,
               "Where the server listens. Port 0 stands for a free one, which the log names."),
          Required(Text(BIND(tokens_file), kPath, IsNotEmpty,
                        "The file with the callers, their tokens and what they may do (see "
                        "authentication.md). It is read again when it changes.")),
          Text(BIND(jwt_keys_file), kPath, IsAnything,
               "A JSON Web Key Set with the public keys that sign the JSON Web Tokens of callers "
               "(see authentication.md). It is read again when it changes. Without it no such "
               "token is good."),
          Text(BIND(jwt_issuer), "any text", IsAnything,
               "The issuer (iss) that a JSON Web Token must have. Goes together with "
               "jwt_keys_file."),
          Text(BIND(jwt_audience), "any text", IsAnything,
               "The audience (aud) that a JSON Web Token must have. Goes together with "
               "jwt_keys_file."),
          Text(BIND(tls_certificate_file), kPath, IsAnything,
               "The server's certificate chain in PEM, for TLS. Without it there is no TLS. This "
               "and the two files below are read again when they change."),
          Text(BIND(tls_key_file), kPath, IsAnything,
               "The private key of the certificate, in PEM. Certificate and key go together."),
          Text(BIND(tls_client_ca_file), kPath, IsAnything,
               "With it, clients are asked for a certificate, which one of the authorities in this "
               "PEM file must have signed; tls_client_certificates says whether they may come "
               "without. Its names may say who calls (see authentication.md). Needs TLS."),
          OneOf(BIND(tls_client_certificates),
                {{"required", ClientCertificates::kRequired},
                 {"optional", ClientCertificates::kOptional}},
                "Whether a client gets a connection without a certificate. One that it has must be "
                "good in either case. Optional needs tls_client_ca_file."),
          Flag(BIND(allow_plaintext),
               "Serve without TLS on an address that other machines can reach. Tokens and content "
               "then cross the network unencrypted: only behind a proxy that does TLS, or on a "
               "network that is trusted. Contradicts TLS."),
          Flag(BIND(reflection),
               "Let anyone, without a token, list the services and messages (gRPC server "
               "reflection), as grpcurl needs it."),
          Text(BIND(metrics_address), "an IP address and a port, with an IPv6 address in brackets",
               IsEmptyOrHostPort,
               "Where metrics are served for Prometheus (see metrics.md), over HTTP and without a "
               "token. Without it they are not."),
          Flag(BIND(allow_remote_metrics),
               "Serve metrics on an address that other machines can reach. They tell how much goes "
               "on, and nothing of rooms and users."),
      }};
}

OptionGroup StorageGroup() {
  return {
      "Storage",
      {
          Required(Text(BIND(data_dir), kPath, IsNotEmpty,
                        "The directory of the store; made if it is not there.")),
          Text(BIND(signing_key_file), kPath, IsAnything,
               "The file with the key that this server signs exported events with: one line "
               "\"ed25519 VERSION SEED\", as Synapse has it, which nobody but its owner may "
               "read. Without it the file signing.key in data_dir is taken, which is made on "
               "the first start."),
          Flag(BIND(sealing),
               "Whether all that is stored is encrypted and authenticated. A sealed store "
               "stays sealed; one that is not can't become so."),
          Text(BIND(master_key_file), kPath, IsAnything,
               "The file with the master keys that the store is sealed with: 32 random bytes "
               "in base64 a line, the first for what is new, which nobody but its owner may "
               "read. Without it the file master.key in data_dir is taken, which is made with "
               "a new store: keep it elsewhere where others may get at the store or its "
               "backups."),
          Text(BIND(master_key_command), "a command", IsAnything,
               "What to run, by the shell, at the start, to get what the file would hold, such "
               "as from a key management service. Not together with master_key_file."),
          Text(BIND(room_keys_dir), kPath, IsAnything,
               "The directory with a secret for each room of a sealed store, which is "
               "destroyed when the room is deleted (see sealing.md): keep it out of the store's "
               "backups. Made if it is not there. Without it the directory room-keys in "
               "data_dir is taken."),
          Bytes(BIND(block_cache_bytes), {8 * kMiB, kTiB},
                "How much of the data on disk is cached in memory."),
          Bytes(BIND(write_buffer_bytes), {8 * kMiB, 64 * kGiB},
                "How much of what was written is kept in memory before it goes to tables. It "
                "is in the log on disk from the start."),
          Bytes(BIND(disk_min_free_bytes), {kMiB, 1024 * kTiB, "none"},
                "How much of the disk is left free. With less, writes are refused with "
                "STORAGE_FULL, before the disk is really full, but for those that only delete "
                "something. They are taken again once there is more."),
          Time(BIND(event_retention), {absl::Minutes(1), 36'500 * kDay, "for ever"},
               "How long events stay in the log, and so how long a subscriber may be away."),
          Bytes(BIND(event_retention_bytes), {kMiB, 1024 * kTiB, "without limit"},
                "How large the log of events may become before the oldest go. This is "
                "compared with an estimate of what it takes on disk."),
          Time(BIND(event_min_retention), {absl::ZeroDuration(), 36'500 * kDay},
               "How long events stay in the log at least, whatever its size. Not longer than "
               "event_retention, unless that is 0."),
          Time(BIND(subscription_hold), {absl::Minutes(1), 36'500 * kDay, "for ever"},
               "How long a durable subscription that does not move keeps the events that it "
               "has still to go through in the log, whatever the limits above say."),
          Time(BIND(request_id_retention), {kDay, 366 * kDay},
               "How long a request_id is remembered, so that a call can be repeated safely."),
      }};
}

OptionGroup RoomsGroup() {
  return {
      "Rooms",
      {
          Text(BIND(default_room_version), "a room version, 1 to 12", IsNotEmpty,
               "The version of new rooms whose creator names none."),
          OneOf(BIND(encryption_policy),
                {{"off", EncryptionPolicy::kOff},
                 {"invite", EncryptionPolicy::kInvite},
                 {"all", EncryptionPolicy::kAll}},
                "Which new rooms are encrypted although their creator did not ask for it: none, "
                "those with the preset private_chat or trusted_private_chat, or all."),
          Text(BIND(encryption_algorithm), "a name such as m.megolm.v1.aes-sha2", IsNotEmpty,
               "The algorithm of rooms that are encrypted by encryption_policy."),
          Integer(BIND(max_invites), {0, 10'000},
                  "How many users may be invited when a room is created."),
          Bytes(BIND(max_import_bytes), {kMiB, 64 * kGiB},
                "How large a room may be imported: the bytes that the events of all imports under "
                "way may have together, 256 added for each event. Imports take about ten times "
                "as much memory."),
          Time(BIND(upgrade_lease), {absl::Seconds(1), absl::Hours(1)},
               "How long an upgrade may go without a sign of life before another process takes "
               "the room from it."),
          Time(BIND(invite_reminder_period), {absl::Seconds(10), absl::Hours(24)},
               "How long after a \"room.invite.pending\" that nobody acknowledged another one "
               "comes; the one behind that takes twice as long, and so on up to a day."),
      }};
}

OptionGroup LimitsGroup() {
  return {
      "Limits",
      {
          OneOf(BIND(rate_limits),
                {{"enforce", RateLimitMode::kEnforce},
                 {"observe", RateLimitMode::kObserve},
                 {"off", RateLimitMode::kOff}},
                "What happens to calls that come more often than a rate below allows: they are "
                "refused with RESOURCE_EXHAUSTED and told when to come again, or only counted "
                "(see metrics.md), or nothing."),
          Rate(BIND(principal_read_rate),
               "How many calls a second each principal may make that read, streams among them, "
               "in the long run."),
          Burst(BIND(principal_read_burst), "How many of them it may make at once."),
          Rate(BIND(principal_write_rate),
               "How many calls a second each principal may make that write, in the long run."),
          Burst(BIND(principal_write_burst), "How many of them it may make at once."),
          Rate(BIND(room_creation_rate),
               "How many rooms a second each creator may make in the long run."),
          Burst(BIND(room_creation_burst),
                "How many rooms a creator who made none lately may make at once."),
          Rate(BIND(upgrade_rate), "How many upgrades a second each user may try in the long run."),
          Burst(BIND(upgrade_burst),
                "How many upgrades a user who tried none lately may try at once."),
          Rate(BIND(invite_rate),
               "How many users a second each user may invite in the long run, other than with "
               "CreateRoom."),
          Burst(BIND(invite_burst),
                "How many users may be invited at once by a user who invited none lately."),
          Rate(BIND(join_rate),
               "How many rooms a second each user may join, or knock on, in the long run."),
          Burst(BIND(join_burst), "How many rooms a user who joined none lately may join at once."),
          Rate(BIND(message_rate),
               "How many events a second each user may send, or have as state, in the long run. "
               "Redactions, kicks, bans and leaves count too."),
          Burst(BIND(message_burst),
                "How many events a user who sent none lately may send at once."),
          Rate(BIND(room_invite_rate),
               "How many users a second may be invited to each room in the long run."),
          Burst(BIND(room_invite_burst),
                "How many users may be invited at once to a room to which none was lately."),
          Rate(BIND(room_join_rate),
               "How many users a second may join each room, or knock on it, in the long run. "
               "Upgrades take along as many as there are."),
          Burst(BIND(room_join_burst),
                "How many users may join at once a room that none joined lately."),
          Rate(BIND(room_message_rate),
               "How many events a second may be sent into each room, or set as state, in the "
               "long run. Redactions, kicks, bans and leaves are not held up."),
          Burst(BIND(room_message_burst),
                "How many events may be sent at once into a room into which none was lately."),
          Rate(BIND(failed_login_rate),
               "How many failed logins a second are answered as such, in the long run, for each "
               "address and kind of credential: none, token, JSON Web Token, certificate. Then "
               "what comes from there is not looked at for a while, unless it was good before. 0 "
               "behind a proxy, where all callers have one address (see security.md)."),
          Burst(BIND(failed_login_burst), "How many failed logins may come at once."),
          Integer(BIND(max_rooms_per_creator), {1, 100'000'000, "without limit"},
                  "How many rooms each user may create, ever. Upgrades and imports don't count."),
          Integer(BIND(max_room_members), {1, 100'000'000, "without limit"},
                  "How many joined and invited members a room may have. What upgrades and imports "
                  "bring along is not refused."),
          Integer(BIND(max_room_state_events), {100, 100'000'000, "without limit"},
                  "How many entries the state of a room may have, beside those of members. What "
                  "upgrades and imports bring along is not refused."),
          Integer(BIND(max_room_aliases), {1, 1'000'000, "without limit"},
                  "How many aliases a room may have. Those that an upgrade moves are not refused."),
          Integer(BIND(max_streams), {1, 1'000'000, "without limit"},
                  "How many streams may be open at a time, exports and imports among them."),
          Integer(BIND(max_streams_per_principal), {1, 1'000'000, "without limit"},
                  "How many of them may be of one principal."),
          Bytes(BIND(max_request_bytes), {kMiB, kTiB, "without limit"},
                "How many bytes the requests that wait for a thread, or are worked on, may have "
                "together. Further ones are refused with RESOURCE_EXHAUSTED."),
          Bytes(BIND(max_queued_commit_bytes), {16 * kMiB, kGiB},
                "How many bytes the commits that wait to be written may have together; none may be "
                "larger. Further writes are refused with RESOURCE_EXHAUSTED."),
          Time(BIND(max_call_time), {absl::Seconds(1), kDay, "for ever"},
               "How long a call that is no stream may take, whatever its deadline. One whose "
               "work has not begun by then is ended with DEADLINE_EXCEEDED."),
          Time(BIND(max_queue_time), {absl::Milliseconds(10), absl::Hours(1), "for ever"},
               "How long a request may have waited for a thread when writes are still taken on. "
               "Beyond it they are refused with RESOURCE_EXHAUSTED, so that reads go on."),
      }};
}

OptionGroup SupervisionGroup() {
  return {
      "Supervision",
      {
          Flag(BIND(supervise_upgrades),
               "Whether UpgradeRoom waits until another principal approves it (see "
               "supervision.md)."),
          Flag(BIND(supervise_creation), "Whether CreateRoom does."),
          Time(BIND(approval_timeout), {absl::Minutes(1), 30 * kDay},
               "How long they wait before they are given up."),
          Number(BIND(escalation_error_rate), {0.1, 100},
                 "How many of every hundred creations and upgrades may fail by the service's fault "
                 "before \"service.escalation\" is sent."),
          Time(BIND(escalation_window), {absl::Minutes(1), kDay},
               "Of how long the creations and upgrades are counted for that."),
      }};
}

OptionGroup AuditGroup() {
  return {"The audit log",
          {
              Flag(BIND(audit),
                   "Whether every change, and every call that is refused for who makes it, gets an "
                   "entry in the audit log (see audit.md)."),
              Time(BIND(audit_retention), {kDay, 36'500 * kDay, "for ever"},
                   "How long the entries are kept."),
              Rate(BIND(audit_refusal_rate),
                   "How many refused calls a second get an entry of their own in the long run. "
                   "Further ones are only counted."),
              Burst(BIND(audit_refusal_burst), "How many of them do at once."),
          }};
}

OptionGroup WorkGroup() {
  return {"Work",
          {
              Integer(BIND(read_threads), {1, kMaxThreads, "one for each processor"},
                      "Threads that serve reads."),
              Integer(BIND(write_threads), {1, kMaxThreads, "two for each processor"},
                      "Threads that work on writes other than upgrades. One at a time may write a "
                      "commit to disk itself; the others never wait for one."),
              Integer(BIND(upgrade_threads), {1, kMaxThreads},
                      "Threads that work on upgrades and imports: how many rooms are upgraded at "
                      "the same time. They mostly wait for the disk."),
              Integer(BIND(max_queued_requests), {1, 1'000'000},
                      "How many requests may wait for a thread. Further ones are refused with "
                      "RESOURCE_EXHAUSTED."),
              Time(BIND(drain_timeout), {absl::ZeroDuration(), absl::Minutes(10)},
                   "How long a server that is told to stop (SIGTERM) lets calls finish."),
          }};
}

OptionGroup ConnectionsGroup() {
  return {
      "Connections",
      {
          Bytes(BIND(max_message_bytes), {64 * kKiB, 64 * kMiB}, "The longest request."),
          Bytes(BIND(max_metadata_bytes), {8 * kKiB, kMiB}, "The largest metadata of a request."),
          Bytes(BIND(connection_memory_bytes), {64 * kMiB, 1024 * kGiB},
                "How much memory gRPC may take for what all connections have under way, such as "
                "requests that are not complete, before it closes some of them."),
          Integer(BIND(max_concurrent_streams), {1, 1'000'000},
                  "How many calls, streams among them, may be open on one connection."),
          Time(BIND(keepalive_time), {absl::Seconds(10), kDay},
               "How long a connection is silent before the server pings it."),
          Time(BIND(keepalive_timeout), {absl::Seconds(1), absl::Minutes(10)},
               "How long the answer to a ping may take before the connection is closed."),
          Time(BIND(max_connection_age), {absl::Minutes(1), 20 * kDay, "for ever"},
               "How long a connection lives before the client is told to make a new one, which "
               "spreads clients over servers anew."),
          Time(BIND(max_connection_age_grace), {absl::Seconds(1), kDay},
               "How long calls on a connection that came of age may go on before they are cut."),
          Time(BIND(stream_stall_timeout), {absl::Seconds(1), kDay, "for ever"},
               "How long the reader of an event stream may leave a message untaken before the "
               "stream is ended with STREAM_STALLED, within another quarter of that time; and "
               "how long the caller of ImportRoom may send no message before that is."),
          Time(BIND(max_stream_age), {absl::Minutes(1), 366 * kDay, "for ever"},
               "How long an event stream lives, give or take 10 %, before it is ended with "
               "STREAM_AGED and its client resumes it, which spreads streams over servers anew."),
      }};
}

OptionGroup LoggingGroup() {
  return {"Logging",
          {
              Text(BIND(log_dir), kPath, IsAnything,
                   "The directory for log files, which must be there. Without it the log goes to "
                   "stderr."),
              OneOf(BIND(min_log_level),
                    {{"info", LogLevel::kInfo},
                     {"warning", LogLevel::kWarning},
                     {"error", LogLevel::kError}},
                    "The least severe messages that are logged. Requests are logged as info."),
          }};
}

#undef BIND

}  // namespace

const std::vector<OptionGroup>& OptionGroups() {
  static const auto* const groups = new std::vector<OptionGroup>{
      ServerGroup(),      ListeningGroup(), StorageGroup(), RoomsGroup(),       LimitsGroup(),
      SupervisionGroup(), AuditGroup(),     WorkGroup(),    ConnectionsGroup(), LoggingGroup()};
  return *groups;
}

const Option* FindOption(absl::string_view name) {
  for (const OptionGroup& group : OptionGroups()) {
    for (const Option& option : group.options) {
      if (option.name == name) return &option;
    }
  }
  return nullptr;
}

}  // namespace innkeeper
