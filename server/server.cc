#include "server/server.h"

#include <glog/logging.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "prometheus/metric_family.h"
#include "server/audit/recorder.h"
#include "server/audit/retention.h"
#include "server/audit/trail.h"
#include "server/auth/authenticator.h"
#include "server/base/executor.h"
#include "server/base/periodic.h"
#include "server/base/redacted.h"
#include "server/base/signed_token.h"
#include "server/directory/directory_editor.h"
#include "server/directory/directory_reader.h"
#include "server/escalation.h"
#include "server/feed/event_feed.h"
#include "server/feed/retention.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/delete_room.h"
#include "server/lifecycle/export_room.h"
#include "server/lifecycle/import_room.h"
#include "server/lifecycle/link_upgrade.h"
#include "server/lifecycle/maintenance.h"
#include "server/lifecycle/purge_rooms.h"
#include "server/lifecycle/read_rooms.h"
#include "server/lifecycle/room_caps.h"
#include "server/lifecycle/room_quota.h"
#include "server/lifecycle/supervisor.h"
#include "server/lifecycle/supported_version.h"
#include "server/lifecycle/transaction.h"
#include "server/lifecycle/upgrade_room.h"
#include "server/limits/call_limits.h"
#include "server/master_key_watch.h"
#include "server/membership/change_membership.h"
#include "server/membership/full_invite.h"
#include "server/membership/pending_invites.h"
#include "server/membership/read_members.h"
#include "server/metrics/action_rates.h"
#include "server/metrics/metrics.h"
#include "server/metrics/metrics_endpoint.h"
#include "server/metrics/metrics_page.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/signing.h"
#include "server/rpc/audit_log_service.h"
#include "server/rpc/call_gate.h"
#include "server/rpc/event_subscriptions_service.h"
#include "server/rpc/room_directory_service.h"
#include "server/rpc/room_lifecycle_service.h"
#include "server/rpc/room_membership_service.h"
#include "server/rpc/room_state_service.h"
#include "server/rpc/supervision_policy.h"
#include "server/rpc/supervision_service.h"
#include "server/signing_key.h"
#include "server/state/room_writer.h"
#include "server/state/timeline_reader.h"
#include "server/store.h"
#include "server/subscriptions/dispatcher.h"
#include "server/subscriptions/subscription_manager.h"
#include "server/subscriptions/survey.h"
#include "server/tls_credentials.h"
#include "server/values/duration.h"
#include "server/write_health.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/room_store.h"
#include "storage/subscription_hold.h"

namespace innkeeper {
namespace {

constexpr absl::Duration kMaintenancePeriod = absl::Seconds(10);
constexpr absl::Duration kPurgePeriod = absl::Seconds(1);
constexpr absl::Duration kFileReloadPeriod = absl::Seconds(1);
constexpr absl::Duration kEscalationPeriod = absl::Seconds(1);
constexpr absl::Duration kSealingPeriod = absl::Milliseconds(250);
// How long connections have to take the last replies.
constexpr absl::Duration kFarewell = absl::Seconds(1);
constexpr size_t kTokenKeyBytes = 32;
// How many subscriptions have metrics of their own.
constexpr size_t kMaxListedSubscriptions = 100;

lifecycle::EncryptionPolicy PolicyOf(EncryptionPolicy policy) {
  switch (policy) {
    case EncryptionPolicy::kOff:
      return lifecycle::EncryptionPolicy::kOff;
    case EncryptionPolicy::kInvite:
      return lifecycle::EncryptionPolicy::kInvite;
    case EncryptionPolicy::kAll:
      return lifecycle::EncryptionPolicy::kAll;
  }
  LOG(FATAL) << "no such policy";
}

std::string HostName() {
  char name[256] = {};
  PCHECK(gethostname(name, sizeof(name) - 1) == 0);
  return name;
}

std::string InstanceName(const ServerConfig& config) {
  return config.instance_name.empty() ? HostName() : config.instance_name;
}

lifecycle::RoomCaps CapsOf(const ServerConfig& config) {
  return {.max_members = config.max_room_members,
          .max_state_entries = config.max_room_state_events,
          .max_aliases = config.max_room_aliases};
}

lifecycle::RoomCreator::Options CreatorOptions(const ServerConfig& config,
                                               lifecycle::RoomQuota& quota) {
  lifecycle::RoomCreator::Options options;
  options.server_name = config.server_name;
  options.limits.max_invites = static_cast<size_t>(config.max_invites);
  options.encryption_policy = PolicyOf(config.encryption_policy);
  options.encryption_algorithm = config.encryption_algorithm;
  options.caps = CapsOf(config);
  options.quota = &quota;
  return options;
}

limits::Enforcement EnforcementOf(RateLimitMode mode) {
  switch (mode) {
    case RateLimitMode::kEnforce:
      return limits::Enforcement::kEnforce;
    case RateLimitMode::kObserve:
      return limits::Enforcement::kObserve;
    case RateLimitMode::kOff:
      return limits::Enforcement::kOff;
  }
  LOG(FATAL) << "no such mode";
}

limits::CallLimitOptions LimitOptions(const ServerConfig& config) {
  using limits::Bucket;
  limits::RateLimitOptions rates{.enforcement = EnforcementOf(config.rate_limits)};
  rates[Bucket::kPrincipalReads] = {config.principal_read_rate, config.principal_read_burst};
  rates[Bucket::kPrincipalWrites] = {config.principal_write_rate, config.principal_write_burst};
  rates[Bucket::kCreations] = {config.room_creation_rate, config.room_creation_burst};
  rates[Bucket::kUpgrades] = {config.upgrade_rate, config.upgrade_burst};
  rates[Bucket::kInvites] = {config.invite_rate, config.invite_burst};
  rates[Bucket::kJoins] = {config.join_rate, config.join_burst};
  rates[Bucket::kMessages] = {config.message_rate, config.message_burst};
  rates[Bucket::kRoomInvites] = {config.room_invite_rate, config.room_invite_burst};
  rates[Bucket::kRoomJoins] = {config.room_join_rate, config.room_join_burst};
  rates[Bucket::kRoomMessages] = {config.room_message_rate, config.room_message_burst};
  rates[Bucket::kFailedLogins] = {config.failed_login_rate, config.failed_login_burst};
  return {.rates = rates,
          .max_streams = static_cast<size_t>(config.max_streams),
          .max_streams_per_principal = static_cast<size_t>(config.max_streams_per_principal),
          .max_request_bytes = static_cast<size_t>(config.max_request_bytes),
          .max_call_time = config.max_call_time,
          .max_queue_time = config.max_queue_time};
}

audit::Recorder::Options RecorderOptions(const ServerConfig& config) {
  return {.refusals = {config.audit_refusal_rate, config.audit_refusal_burst}};
}

audit::Trail MaintenanceTrail(const audit::Recorder* recorder) {
  return recorder == nullptr ? audit::Trail() : recorder->TrailOf(audit::Maintenance());
}

lifecycle::RoomUpgrader::Options UpgraderOptions(const ServerConfig& config,
                                                 metrics::ActionRates& rates,
                                                 const audit::Recorder* recorder) {
  return {.server_name = config.server_name,
          .instance_name = InstanceName(config),
          .lease = config.upgrade_lease,
          .request_retention = config.request_id_retention,
          .rates = &rates,
          .maintenance_trail = MaintenanceTrail(recorder)};
}

rpc::SupervisionPolicy SupervisionOf(const ServerConfig& config) {
  return {.upgrades = config.supervise_upgrades,
          .creation = config.supervise_creation,
          .timeout = config.approval_timeout};
}

lifecycle::RoomImporter::Options ImporterOptions(const ServerConfig& config) {
  return {.staging = {.instance_name = InstanceName(config), .lease = config.upgrade_lease},
          .max_bytes = static_cast<size_t>(config.max_import_bytes)};
}

absl::Duration ForEverIfZero(absl::Duration duration) {
  return duration == absl::ZeroDuration() ? absl::InfiniteDuration() : duration;
}

size_t UnlimitedIfZero(int count) {
  return count == 0 ? std::numeric_limits<size_t>::max() : static_cast<size_t>(count);
}

feed::EventFeedOptions FeedOptions(const ServerConfig& config, const EventCompleter& completer,
                                   std::shared_ptr<metrics::FeedMetrics> metrics) {
  feed::EventFeedOptions options;
  options.log.completer = &completer;
  options.metrics = std::move(metrics);
  options.stall_timeout = ForEverIfZero(config.stream_stall_timeout);
  options.max_age = ForEverIfZero(config.max_stream_age);
  options.max_subscriptions = UnlimitedIfZero(config.max_streams);
  SetDuration(config.event_min_retention, options.retention.mutable_min_age());
  if (config.event_retention > absl::ZeroDuration()) {
    SetDuration(config.event_retention, options.retention.mutable_max_age());
  }
  options.retention.set_max_bytes(config.event_retention_bytes);
  return options;
}

feed::RetentionPolicy RetentionOf(const ServerConfig& config) {
  feed::RetentionPolicy policy;
  policy.min_age = config.event_min_retention;
  policy.max_age = ForEverIfZero(config.event_retention);
  policy.max_bytes = static_cast<uint64_t>(config.event_retention_bytes);
  return policy;
}

// Consumers' streams have the limits that others have.
subscriptions::Dispatcher::Options DispatcherOptions(
    const ServerConfig& config, std::shared_ptr<metrics::SubscriptionMetrics> metrics) {
  return {.delivery = {.stall_timeout = ForEverIfZero(config.stream_stall_timeout)},
          .max_age = ForEverIfZero(config.max_stream_age),
          .max_consumers = UnlimitedIfZero(config.max_streams),
          .metrics = std::move(metrics)};
}

// `host_port` with another port.
std::string WithPort(const std::string& host_port, int port) {
  return absl::StrCat(host_port.substr(0, host_port.rfind(':')), ":", port);
}

// `configured`, or with 0 as many as there are processors, times `per_processor`.
size_t Threads(int configured, size_t per_processor) {
  if (configured > 0) return static_cast<size_t>(configured);
  return size_t{std::max(1u, std::thread::hardware_concurrency())} * per_processor;
}

auth::Authenticator::Options AuthenticatorOptions(const ServerConfig& config) {
  auth::Authenticator::Options options{.tokens_file = config.tokens_file, .jwt = std::nullopt};
  if (!config.jwt_keys_file.empty()) {
    options.jwt = {.keys_file = config.jwt_keys_file,
                   .expectations = {config.jwt_issuer, config.jwt_audience}};
  }
  return options;
}

// What the configuration's own checks leave to those who know the grammar.
absl::Status CheckNames(const ServerConfig& config) {
  absl::Status status = rooms::CheckServerName(config.server_name);
  if (!status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("server_name: ", status.message()));
  }
  if (!lifecycle::SupportedVersion(config.default_room_version, "").ok()) {
    return absl::InvalidArgumentError(absl::StrCat("default_room_version: \"",
                                                   config.default_room_version,
                                                   "\" is no room version that is supported"));
  }
  status = rooms::CheckNamespacedIdentifier(config.encryption_algorithm);
  if (!status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("encryption_algorithm: ", status.message()));
  }
  return absl::OkStatus();
}

// A store belongs to one server name: rooms and aliases in it bear it.
absl::Status CheckStoreName(storage::Engine& engine, const std::string& server_name) {
  auto stored = LoadOrCreateSetting(engine, "server_name", server_name);
  if (!stored.ok()) return stored.status();
  if (*stored == server_name) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the store in data_dir belongs to the server \"", *stored,
                   "\"; set server_name to that, or data_dir to another directory"));
}

void EnableReflection() {
  static std::once_flag once;
  std::call_once(once, [] { grpc::reflection::InitProtoReflectionServerBuilderPlugin(); });
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

void SetLimits(const ServerConfig& config, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(config.max_message_bytes));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE,
                             static_cast<int>(config.max_metadata_bytes));
  // What requests that are never completed take.
  builder.SetResourceQuota(grpc::ResourceQuota("connections")
                               .Resize(static_cast<size_t>(config.connection_memory_bytes)));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, config.max_concurrent_streams);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(config.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(config.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Clients may ping every ten seconds.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  if (config.max_connection_age > absl::ZeroDuration()) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                               Milliseconds(config.max_connection_age));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                               Milliseconds(config.max_connection_age_grace));
  }
  // A second server on the same port is an error, not a way to share it.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

class RealServer final : public Server {
 public:
  RealServer(const ServerConfig& config, Surroundings surroundings,
             std::shared_ptr<metrics::Metrics> metrics, std::shared_ptr<WriteHealth> write_health,
             Store store, const Redacted& token_key, rooms::SigningKey signing_key,
             std::unique_ptr<auth::Authenticator> authenticator)
      : config_(config),
        clock_(std::move(surroundings.clock)),
        random_(std::move(surroundings.random)),
        metrics_(std::move(metrics)),
        write_health_(std::move(write_health)),
        engine_(std::move(store.engine)),
        action_rates_(clock_, config.escalation_window),
        escalation_(*engine_, action_rates_, config.escalation_error_rate),
        recorder_(config.audit
                      ? std::make_unique<audit::Recorder>(*engine_, clock_, random_,
                                                          RecorderOptions(config), metrics_->audit)
                      : nullptr),
        audit_retention_(*engine_, ForEverIfZero(config.audit_retention)),
        signer_(token_key.Expose()),
        signing_key_(std::move(signing_key)),
        authenticator_(std::move(authenticator)),
        read_executor_(Threads(config.read_threads, 1),
                       static_cast<size_t>(config.max_queued_requests)),
        write_executor_(Threads(config.write_threads, 2),
                        static_cast<size_t>(config.max_queued_requests)),
        upgrade_executor_(static_cast<size_t>(config.upgrade_threads),
                          static_cast<size_t>(config.max_queued_requests), ThreadPriority::kLow),
        transactor_(*engine_, write_executor_, clock_,
                    {.request_retention = config.request_id_retention}),
        quota_(*engine_, clock_, config.max_rooms_per_creator),
        creator_(clock_, random_, CreatorOptions(config, quota_)),
        upgrader_(*engine_, transactor_, clock_, random_,
                  UpgraderOptions(config, action_rates_, recorder_.get())),
        supervisor_(*engine_, clock_, signer_, creator_,
                    {.request_retention = config.request_id_retention,
                     .maintenance_trail = MaintenanceTrail(recorder_.get())}),
        linker_({clock_, random_, config.server_name}),
        deleter_(*engine_),
        purger_(*engine_),
        browser_(*engine_, signer_),
        exporter_(*engine_, signing_key_),
        importer_(*engine_, clock_, signing_key_, ImporterOptions(config)),
        membership_changer_(*engine_, {clock_, random_, config.server_name, CapsOf(config)}),
        member_browser_(*engine_, signer_, signing_key_),
        room_writer_({clock_, random_, config.server_name, CapsOf(config)}),
        timeline_reader_(*engine_, signer_),
        directory_editor_(*engine_, {clock_, random_, config.server_name, CapsOf(config)}),
        directory_reader_(*engine_, signer_),
        invite_completer_(*engine_, signing_key_),
        feed_(*engine_, signer_, read_executor_, random_,
              FeedOptions(config, invite_completer_, {metrics_, &metrics_->feed})),
        dispatcher_(*engine_, feed_, transactor_, read_executor_, clock_, signer_, random_,
                    DispatcherOptions(config, {metrics_, &metrics_->subscriptions})),
        subscription_manager_(*engine_, feed_.log(), feed_.cursors(), signer_, clock_, random_,
                              dispatcher_),
        limits_(LimitOptions(config), clock_, metrics_->limits),
        environment_{*authenticator_,   gate_,
                     read_executor_,    write_executor_,
                     upgrade_executor_, transactor_,
                     metrics_->calls,   limits_,
                     recorder_.get(),   ForEverIfZero(config.stream_stall_timeout)},
        service_(environment_,
                 {creator_, upgrader_, linker_, deleter_, browser_, exporter_, importer_, feed_},
                 config.default_room_version, SupervisionOf(config)),
        membership_service_(environment_, {membership_changer_, member_browser_},
                            config.server_name),
        state_service_(environment_, {room_writer_, timeline_reader_}),
        directory_service_(environment_, directory_editor_, directory_reader_, config.server_name),
        subscriptions_service_(environment_,
                               {*engine_, signer_, subscription_manager_, dispatcher_}),
        supervision_service_(environment_, upgrader_, supervisor_, config.default_room_version),
        audit_service_(environment_, *engine_) {
    if (store.sealed != nullptr) {
      master_key_watch_.emplace(config_, *store.sealed, *store.sealed_secrets, clock_,
                                metrics_->sealing);
    }
  }

  ~RealServer() override {
    absl::Status status = Shutdown();
    LOG_IF(ERROR, !status.ok()) << "shutting down: " << status;
  }

  // Starts to serve.
  absl::Status Serve();

  const std::string& address() const override { return address_; }
  const std::string& metrics_address() const override { return metrics_address_; }

  absl::Status Shutdown() override;

 private:
  absl::Status Listen();
  absl::Status ServeMetrics();
  std::vector<prometheus::MetricFamily> CollectMetrics();
  void ReloadFiles();
  void TrimLog();
  void LookAfterAuditLog();
  void SetServing(bool serving);

  // What all services need.
  const ServerConfig config_;
  const Clock clock_;
  const RandomBytes random_;
  const std::shared_ptr<metrics::Metrics> metrics_;
  const std::shared_ptr<WriteHealth> write_health_;
  const std::unique_ptr<storage::Engine> engine_;
  metrics::ActionRates action_rates_;
  Escalation escalation_;                            // checked by escalation_task_ alone
  const std::unique_ptr<audit::Recorder> recorder_;  // nullptr without an audit log
  audit::Retention audit_retention_;                 // used by maintenance_ alone
  const TokenSigner signer_;
  const rooms::SigningKey signing_key_;
  const std::unique_ptr<auth::Authenticator> authenticator_;
  Executor read_executor_;
  Executor write_executor_;
  Executor upgrade_executor_;
  lifecycle::Transactor transactor_;
  lifecycle::RoomQuota quota_;
  lifecycle::RoomCreator creator_;
  lifecycle::RoomUpgrader upgrader_;
  lifecycle::Supervisor supervisor_;
  const lifecycle::UpgradeLinker linker_;
  const lifecycle::RoomDeleter deleter_;
  lifecycle::RoomPurger purger_;
  const lifecycle::RoomBrowser browser_;
  const lifecycle::RoomExporter exporter_;
  lifecycle::RoomImporter importer_;
  membership::MembershipChanger membership_changer_;
  const membership::MemberBrowser member_browser_;
  const state::RoomWriter room_writer_;
  const state::TimelineReader timeline_reader_;
  const directory::DirectoryEditor directory_editor_;
  const directory::DirectoryReader directory_reader_;
  const membership::InviteCompleter invite_completer_;
  feed::EventFeed feed_;
  subscriptions::Dispatcher dispatcher_;
  const subscriptions::SubscriptionManager subscription_manager_;
  rpc::CallGate gate_;
  limits::CallLimits limits_;
  const rpc::CallEnvironment environment_;
  rpc::RoomLifecycleService service_;
  rpc::RoomMembershipService membership_service_;
  rpc::RoomStateService state_service_;
  rpc::RoomDirectoryService directory_service_;
  rpc::EventSubscriptionsService subscriptions_service_;
  rpc::SupervisionService supervision_service_;
  rpc::AuditLogService audit_service_;
  std::unique_ptr<TlsCredentials> tls_;        // set by Serve(); nullptr without TLS
  std::string address_;                        // set by Serve()
  std::unique_ptr<grpc::Server> grpc_server_;  // set by Serve()
  std::string metrics_address_;                // set by Serve()
  std::unique_ptr<metrics::MetricsEndpoint> metrics_endpoint_;
  std::optional<MasterKeyWatch> master_key_watch_;  // used by sealing_ alone
  std::optional<PeriodicTask> maintenance_;
  std::optional<PeriodicTask> purging_;
  std::optional<PeriodicTask> file_reload_;
  std::optional<PeriodicTask> escalation_task_;
  std::optional<PeriodicTask> sealing_;
  absl::Mutex shutdown_mutex_;
  std::optional<absl::Status> shutdown_status_ ABSL_GUARDED_BY(shutdown_mutex_);
};

absl::Status RealServer::Serve() {
  metrics_->calls.CountActionsIn(action_rates_);
  absl::Status recovered = upgrader_.RecoverOwn();
  if (recovered.ok()) recovered = importer_.RecoverOwn();
  if (absl::IsUnavailable(recovered)) {
    LOG(WARNING) << "interrupted upgrades and imports are left to their leases: " << recovered;
  } else if (!recovered.ok()) {
    return recovered;
  }
  absl::Status listening = ServeMetrics();
  if (!listening.ok()) return listening;
  listening = Listen();
  if (!listening.ok()) return listening;
  maintenance_.emplace(kMaintenancePeriod, [this] {
    lifecycle::Maintain(*engine_, upgrader_, supervisor_, clock_());
    TrimLog();
    LookAfterAuditLog();
    absl::Status discarded = importer_.RecoverExpired();
    LOG_IF(ERROR, !discarded.ok()) << "discarding what imports left behind: " << discarded;
    absl::Status announced =
        membership::AnnouncePendingInvites(*engine_, clock_(), config_.invite_reminder_period);
    LOG_IF(ERROR, !announced.ok()) << "telling of pending invites again: " << announced;
  });
  purging_.emplace(kPurgePeriod, [this] { purger_.Purge(clock_()); });
  file_reload_.emplace(kFileReloadPeriod, [this] { ReloadFiles(); });
  escalation_task_.emplace(kEscalationPeriod, [this] { escalation_.Check(); });
  if (master_key_watch_) {
    sealing_.emplace(kSealingPeriod, [this] {
      master_key_watch_->ReloadIfChanged();
      master_key_watch_->Continue();
    });
  }
  SetServing(true);
  write_health_->TellTo(grpc_server_->GetHealthCheckService());
  return absl::OkStatus();
}

absl::Status RealServer::ServeMetrics() {
  if (config_.metrics_address.empty()) return absl::OkStatus();
  auto endpoint =
      metrics::MetricsEndpoint::Start(config_.metrics_address, [this] { return CollectMetrics(); });
  if (!endpoint.ok()) return endpoint.status();
  metrics_endpoint_ = *std::move(endpoint);
  metrics_address_ = WithPort(config_.metrics_address, metrics_endpoint_->port());
  LOG(INFO) << "metrics are at http://" << metrics_address_ << "/metrics";
  return absl::OkStatus();
}

std::vector<prometheus::MetricFamily> RealServer::CollectMetrics() {
  auto states = subscriptions::Survey(*engine_, dispatcher_, clock_(), kMaxListedSubscriptions);
  LOG_IF(ERROR, !states.ok()) << "surveying subscriptions: " << states.status();
  return metrics::MetricsPage(*metrics_, *engine_,
                              states.ok() ? std::make_optional(*std::move(states)) : std::nullopt,
                              {action_rates_.counts(), escalation_.active()});
}

// Both log what is wrong.
void RealServer::ReloadFiles() {
  if (tls_ != nullptr) tls_->ReloadIfChanged().IgnoreError();
  authenticator_->ReloadIfChanged().IgnoreError();
}

void RealServer::TrimLog() {
  const absl::Time now = clock_();
  const auto removed = feed::EnforceRetention(*engine_, RetentionOf(config_), now, [&] {
    return storage::LowestHeldPosition(*engine_, now, config_.subscription_hold);
  });
  LOG_IF(ERROR, !removed.ok()) << "trimming the event log: " << removed.status();
  if (removed.value_or(0) == 0) return;
  metrics_->retention.cuts.Add();
  metrics_->retention.events_removed.Add(*removed);
}

void RealServer::LookAfterAuditLog() {
  if (recorder_ == nullptr) return;
  recorder_->RecordSuppressed();
  const absl::Status removed = audit_retention_.Enforce(clock_());
  LOG_IF(ERROR, !removed.ok()) << "removing old entries of the audit log: " << removed;
}

absl::Status RealServer::Listen() {
  if (!config_.tls_certificate_file.empty()) {
    auto tls = TlsCredentials::Create(config_);
    if (!tls.ok()) return tls.status();
    tls_ = *std::move(tls);
  }
  grpc::EnableDefaultHealthCheckService(true);
  if (config_.reflection) EnableReflection();
  grpc::ServerBuilder builder;
  SetLimits(config_, builder);
  int port = 0;
  builder.AddListeningPort(config_.listen_address,
                           tls_ ? tls_->ForServer() : grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service_);
  builder.RegisterService(&membership_service_);
  builder.RegisterService(&state_service_);
  builder.RegisterService(&directory_service_);
  builder.RegisterService(&subscriptions_service_);
  builder.RegisterService(&supervision_service_);
  builder.RegisterService(&audit_service_);
  grpc_server_ = builder.BuildAndStart();
  if (grpc_server_ == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", config_.listen_address,
                                               ": the address is in use or not this machine's"));
  }
  address_ = WithPort(config_.listen_address, port);
  return absl::OkStatus();
}

void RealServer::SetServing(bool serving) {
  grpc::HealthCheckServiceInterface* health = grpc_server_->GetHealthCheckService();
  health->SetServingStatus(serving);
  health->SetServingStatus(v1::RoomLifecycle::service_full_name(), serving);
  health->SetServingStatus(v1::RoomMembership::service_full_name(), serving);
  health->SetServingStatus(v1::RoomState::service_full_name(), serving);
  health->SetServingStatus(v1::RoomDirectory::service_full_name(), serving);
  health->SetServingStatus(v1::EventSubscriptions::service_full_name(), serving);
  health->SetServingStatus(v1::Supervision::service_full_name(), serving);
  health->SetServingStatus(v1::AuditLog::service_full_name(), serving);
  health->SetServingStatus(kWritesHealth, serving);
}

absl::Status RealServer::Shutdown() {
  absl::MutexLock lock(&shutdown_mutex_);
  if (shutdown_status_) return *shutdown_status_;
  write_health_->TellTo(nullptr);
  const absl::Time deadline = absl::Now() + config_.drain_timeout;
  if (grpc_server_ != nullptr) {
    SetServing(false);
    // A reader who takes nothing must not cost the others their time: all streams are told at
    // once, and calls have some left when no stream has.
    dispatcher_.BeginDrain();
    const absl::Time streams_deadline = deadline - std::min(kFarewell, config_.drain_timeout / 2);
    feed_.Drain(streams_deadline);
    dispatcher_.Drain(streams_deadline);
    gate_.Close(deadline);
    // What is left is not ours to finish: idle connections, and streams of the
    // health service, which last as long as their clients like.
    grpc_server_->Shutdown(absl::ToChronoTime(absl::Now() + kFarewell));
  }
  sealing_.reset();
  file_reload_.reset();
  purger_.Stop();
  purging_.reset();
  escalation_task_.reset();
  maintenance_.reset();
  dispatcher_.Stop();
  upgrade_executor_.Stop();
  write_executor_.Stop();
  read_executor_.Stop();
  feed_.Stop();
  metrics_endpoint_.reset();
  if (recorder_ != nullptr) recorder_->RecordSuppressed();
  shutdown_status_ = engine_->Close();
  return *shutdown_status_;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config) {
  return Start(config, Surroundings());
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config,
                                                      Surroundings surroundings) {
  absl::Status named = CheckNames(config);
  if (!named.ok()) return named;
  // Authenticator and server read the same clock.
  const auto clock = std::make_shared<Clock>(std::move(surroundings.clock));
  surroundings.clock = [clock] { return (*clock)(); };
  auto authenticator =
      auth::Authenticator::Create(AuthenticatorOptions(config), [clock] { return (*clock)(); });
  if (!authenticator.ok()) return authenticator.status();
  auto metrics = std::make_shared<metrics::Metrics>();
  storage::RocksDbOptions options;
  options.on_batch = [metrics](const storage::WrittenBatch& batch) {
    metrics->commits.Count(batch.commits, batch.bytes, batch.took);
  };
  auto write_health = std::make_shared<WriteHealth>();
  options.on_write_state = [write_health](const storage::WriteState& state) {
    write_health->Set(state.trouble == storage::WriteTrouble::kNone);
  };
  options.env = surroundings.storage_env;
  options.retry_period = surroundings.storage_retry_period;
  auto store = OpenStore(config, std::move(options), (*clock)());
  if (!store.ok()) return store.status();
  absl::Status owned = CheckStoreName(*store->engine, config.server_name);
  if (!owned.ok()) return owned;
  auto stored_token_key =
      LoadOrCreateSetting(*store->engine, "token_key", surroundings.random(kTokenKeyBytes));
  if (!stored_token_key.ok()) return stored_token_key.status();
  const Redacted token_key(*std::move(stored_token_key));
  auto signing_key = LoadSigningKey(config, surroundings.random);
  if (!signing_key.ok()) return signing_key.status();
  auto server = std::make_unique<RealServer>(config, std::move(surroundings), std::move(metrics),
                                             std::move(write_health), *std::move(store), token_key,
                                             *std::move(signing_key), *std::move(authenticator));
  absl::Status serving = server->Serve();
  if (!serving.ok()) return serving;
  return server;
}

}  // namespace innkeeper
