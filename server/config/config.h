// File: server/config/config.h
//
// How a server is set up. The option of each member has the member's name; see
// server/config/command_line.h for how it is given and docs/configuration.md
// for the list that operators read.

#ifndef INNKEEPER_SERVER_CONFIG_CONFIG_H_
#define INNKEEPER_SERVER_CONFIG_CONFIG_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace innkeeper {

// Which new rooms are encrypted although their creator did not ask for it.
enum class EncryptionPolicy {
  kOff,     // none
  kInvite,  // those made with the presets private_chat and trusted_private_chat
  kAll,     // all
};

// Whether a client has to have a certificate of its own, where authorities for them are set.
enum class ClientCertificates {
  kRequired,  // it gets no connection without
  kOptional,  // one that it has must be good
};

// What happens to calls that come more often than a rate allows.
enum class RateLimitMode {
  kEnforce,  // they are refused
  kObserve,  // they are counted, and go through
  kOff,      // nothing: there are no rates
};

// The least severe messages that are logged. The numbers are glog's.
enum class LogLevel { kInfo = 0, kWarning = 1, kError = 2 };

// Everything that is set when a server starts. Plain values without a life of
// their own: paths are not opened here, and names of the Matrix specification
// are not checked for their grammar. Limits are inclusive.
struct ServerConfig {
  // --- The server ---

  // The Matrix server name of this server's users, rooms and aliases, such as
  // "example.org". Required; its grammar is checked when the server starts.
  // Belongs to the store: never change it.
  std::string server_name;
  // Tells this process from others on the same store, in logs and upgrade
  // leases. At most 64 letters, digits, '.', '_' and '-'. Empty: the host name.
  std::string instance_name;

  // --- Listening and callers ---

  // HOST:PORT, the host being a name, an IPv4 address or an IPv6 address in
  // brackets. Port 0: a free one.
  std::string listen_address = "127.0.0.1:7447";
  // The token file (docs/authentication.md). Required.
  std::string tokens_file;
  // A file with the keys, a JSON Web Key Set, that sign the JSON Web Tokens of callers.
  // Empty: no such token is good. The three go together.
  std::string jwt_keys_file;
  // What such a token must have as its issuer and among its audiences.
  std::string jwt_issuer;
  std::string jwt_audience;
  // The server's certificate chain, PEM. Empty: no TLS. This and the two files below are
  // read again when they change.
  std::string tls_certificate_file;
  // The certificate's private key, PEM. Given if and only if the certificate is.
  std::string tls_key_file;
  // Certificates, PEM, of the authorities one of which must have signed a client's
  // certificate. Empty: clients are not asked for certificates. Only with TLS.
  std::string tls_client_ca_file;
  // Whether every client needs one. kOptional only with authorities.
  ClientCertificates tls_client_certificates = ClientCertificates::kRequired;
  // True to serve without TLS on an address that other machines can reach. Not
  // together with TLS.
  bool allow_plaintext = false;
  // True to let anyone, without a token, list services and messages (gRPC
  // server reflection).
  bool reflection = false;

  // Where metrics are served (docs/metrics.md), over HTTP without a token: an IP address
  // and a port, as above. Empty: nowhere.
  std::string metrics_address;
  // True to serve metrics on an address that other machines can reach.
  bool allow_remote_metrics = false;

  // --- Storage ---

  // The directory of the store; made if it is not there. Required.
  std::string data_dir;
  // The key that this server signs events with, in Synapse's format; must be there.
  // Empty: the file signing.key in `data_dir`, which is made on the first start.
  std::string signing_key_file;
  // Whether all that is stored is encrypted and authenticated. A sealed store stays
  // sealed, another one can't become so.
  bool sealing = true;
  // The file with the master keys that the store is sealed with, a line of 32 bytes in
  // base64 each, the first for what is new; must be there. Empty: the file master.key in
  // `data_dir`, which is made with a new store.
  std::string master_key_file;
  // A command for the shell that writes what the file would hold. Not both.
  std::string master_key_command;
  // The directory with the secrets of rooms, without which a sealed store can't be read; made
  // if it is not there. Empty: the directory room-keys in `data_dir`.
  std::string room_keys_dir;
  // How many bytes of data blocks are cached. 8 MiB to 1 TiB.
  int64_t block_cache_bytes = int64_t{256} << 20;
  // How many bytes of writes are kept in memory before they go to tables.
  // 8 MiB to 64 GiB.
  int64_t write_buffer_bytes = int64_t{64} << 20;
  // How many bytes of the disk are left free: with fewer, writes are refused. 1 MiB to
  // 1,024 TiB. 0: none, the disk may run full.
  int64_t disk_min_free_bytes = int64_t{128} << 20;
  // How long events stay in the log: 1 minute to 100 years. 0: for ever.
  absl::Duration event_retention = absl::ZeroDuration();
  // How large the log may become before the oldest events go, in bytes: 1 MiB to
  // 1,024 TiB. 0: without limit.
  int64_t event_retention_bytes = 0;
  // How long events stay in the log at least, whatever its size: 0 to 100 years, and
  // not longer than `event_retention`.
  absl::Duration event_min_retention = absl::Hours(1);
  // How long a durable subscription that does not move keeps the events that it has still
  // to go through from being trimmed: 1 minute to 100 years. 0: for ever.
  absl::Duration subscription_hold = absl::ZeroDuration();
  // How long a request_id is remembered. 24 hours to 366 days.
  absl::Duration request_id_retention = absl::Hours(24);

  // --- Rooms ---

  // The version of rooms whose creator names none. Checked when the server
  // starts.
  std::string default_room_version = "11";
  // Which rooms are encrypted unasked.
  EncryptionPolicy encryption_policy = EncryptionPolicy::kOff;
  // The algorithm of rooms that are encrypted by `encryption_policy`.
  std::string encryption_algorithm = "m.megolm.v1.aes-sha2";
  // How many users may be invited when a room is created. 0 to 10,000.
  int max_invites = 1000;
  // How many bytes the events of all imports under way may have together; each counts for
  // 256 more than it has. 1 MiB to 64 GiB.
  int64_t max_import_bytes = int64_t{256} << 20;
  // How long an upgrade may go without a sign of life before another process
  // takes the room from it. 1 second to 1 hour.
  absl::Duration upgrade_lease = absl::Seconds(30);

  // How long after a "room.invite.pending" that nobody acknowledged another one comes; the one
  // behind that takes twice as long, and so on up to a day. 10 seconds to 1 day.
  absl::Duration invite_reminder_period = absl::Minutes(5);

  // --- Limits ---
  //
  // A rate is how often something may be done in the long run, 0.0001 to 1,000,000 times a
  // second, 0: as often as one likes; and its burst how often at once by who did not for a
  // while, 1 to 1,000,000 times.

  // What happens to calls that come more often.
  RateLimitMode rate_limits = RateLimitMode::kEnforce;
  // Calls of each principal that read, streams among them, and that write.
  double principal_read_rate = 5000;
  int principal_read_burst = 20'000;
  double principal_write_rate = 1000;
  int principal_write_burst = 5000;
  // What each user does: rooms made, upgrades tried, invites sent, rooms joined or knocked on,
  // and other events.
  double room_creation_rate = 0.016;
  int room_creation_burst = 10;
  double upgrade_rate = 0.016;
  int upgrade_burst = 10;
  double invite_rate = 1;
  int invite_burst = 100;
  double join_rate = 1;
  int join_burst = 50;
  double message_rate = 10;
  int message_burst = 100;
  // What is done in each room by all together: invites; joins and knocks; messages and state.
  double room_invite_rate = 5;
  int room_invite_burst = 500;
  double room_join_rate = 20;
  int room_join_burst = 1000;
  double room_message_rate = 100;
  int room_message_burst = 1000;
  // Failed logins from each address with each kind of credential.
  double failed_login_rate = 0.2;
  int failed_login_burst = 20;

  // How many rooms each user may create with CreateRoom, ever. 1 to 100,000,000; 0: without
  // limit.
  int max_rooms_per_creator = 100'000;
  // How many joined and invited members a room may have, other than by an upgrade or import.
  // 1 to 100,000,000; 0: without limit.
  int max_room_members = 500'000;
  // How many entries the state of a room may have beside those of members, other than by
  // an upgrade or import. 100 to 100,000,000; 0: without limit.
  int max_room_state_events = 50'000;
  // How many aliases a room may have, other than by an upgrade. 1 to 1,000,000; 0: without
  // limit.
  int max_room_aliases = 1000;
  // How many streams may be open at a time, of all principals and of each. 1 to 1,000,000;
  // 0: without limit.
  int max_streams = 20'000;
  int max_streams_per_principal = 10'000;
  // How many bytes the requests that wait for a thread, or are worked on, may have together.
  // 1 MiB to 1 TiB; 0: without limit.
  int64_t max_request_bytes = int64_t{256} << 20;
  // How many bytes the commits that wait to be written may have together; none may be larger.
  // 16 MiB to 1 GiB.
  int64_t max_queued_commit_bytes = int64_t{64} << 20;
  // How long a unary call may take, whatever its deadline. 1 second to 24 hours; 0: for ever.
  absl::Duration max_call_time = absl::Minutes(2);
  // How long a request may wait for a thread before writes are refused, so that reads go on.
  // 10 milliseconds to 1 hour; 0: for ever.
  absl::Duration max_queue_time = absl::Seconds(2);

  // --- Supervision ---

  // Whether upgrades, and creations, wait until another principal approves them.
  bool supervise_upgrades = false;
  bool supervise_creation = false;
  // How long they wait at most. 1 minute to 30 days.
  absl::Duration approval_timeout = absl::Hours(24);
  // How many of every hundred creations and upgrades may fail by the service's fault before
  // "service.escalation" is sent, 0.1 to 100, over how long. 1 minute to 24 hours.
  double escalation_error_rate = 5;
  absl::Duration escalation_window = absl::Minutes(5);

  // --- The audit log ---

  // Whether there is one.
  bool audit = true;
  // How long its entries are kept. 1 day to 100 years; 0: for ever.
  absl::Duration audit_retention = absl::ZeroDuration();
  // How many refused calls a second go into it, in the long run and at once, as other rates.
  double audit_refusal_rate = 10;
  int audit_refusal_burst = 100;

  // --- Work ---

  // Threads that serve reads. 1 to 1,024; 0: one for each processor.
  int read_threads = 0;
  // Threads that work on writes other than upgrades. One at a time may write a commit to disk
  // itself; the others never wait for one. 1 to 1,024; 0: two for each processor.
  int write_threads = 0;
  // Threads that work on upgrades and imports: how many rooms are upgraded at the same
  // time. They mostly wait for the disk. 1 to 1,024.
  int upgrade_threads = 32;
  // How many requests may wait for a thread before further ones are refused
  // with RESOURCE_EXHAUSTED. 1 to 1,000,000.
  int max_queued_requests = 10'000;
  // How long a server that is told to stop lets calls finish. 0 to 10 minutes.
  absl::Duration drain_timeout = absl::Seconds(10);

  // --- Connections ---

  // The longest request in bytes. 64 KiB to 64 MiB.
  int64_t max_message_bytes = int64_t{4} << 20;
  // The largest metadata of a request in bytes. 8 KiB to 1 MiB.
  int64_t max_metadata_bytes = int64_t{16} << 10;
  // How much memory gRPC may take for what the connections of all callers have under way, in
  // bytes, before it closes some of them. 64 MiB to 1 TiB.
  int64_t connection_memory_bytes = int64_t{512} << 20;
  // How many calls may be open on one connection. 1 to 1,000,000.
  int max_concurrent_streams = 1000;
  // How long a connection is silent before the server pings it. 10 seconds to
  // 24 hours.
  absl::Duration keepalive_time = absl::Minutes(1);
  // How long after a ping a silent connection is closed. 1 second to 10
  // minutes.
  absl::Duration keepalive_timeout = absl::Seconds(20);
  // How long a connection lives before the client is told to make a new one. 1
  // minute to 20 days (gRPC counts milliseconds in an int). 0: for ever.
  absl::Duration max_connection_age = absl::ZeroDuration();
  // How long calls on a connection that came of age may go on. 1 second to 24
  // hours.
  absl::Duration max_connection_age_grace = absl::Minutes(5);
  // How long the reader of an event stream may leave a message untaken, or the caller of an
  // import send none, before that is ended. 1 second to 24 hours. 0: for ever.
  absl::Duration stream_stall_timeout = absl::Minutes(10);
  // How long an event stream lives, give or take 10 %, before the client is told to
  // resume it. 1 minute to 366 days. 0: for ever.
  absl::Duration max_stream_age = absl::ZeroDuration();

  // --- Logging ---

  // The directory of the log files; must be there. Empty: log to stderr.
  std::string log_dir;
  // What is logged.
  LogLevel min_log_level = LogLevel::kInfo;
};

// Checks the options against each other: certificate and key go together, a
// client CA and plaintext go with the right kind of server, without TLS other
// machines are kept out unless `allow_plaintext` says otherwise, and from metrics
// unless `allow_remote_metrics` does, and the limits of `event_retention` agree. Returns OK or
// INVALID_ARGUMENT with one line for each thing that is wrong.
absl::Status CheckConsistency(const ServerConfig& config);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_CONFIG_CONFIG_H_
