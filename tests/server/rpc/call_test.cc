#include "server/rpc/call.h"

#include <glog/logging.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace innkeeper::rpc {
namespace {

// Keeps what is logged while it lives.
class LogKeeper : public google::LogSink {
 public:
  LogKeeper() { google::AddLogSink(this); }
  ~LogKeeper() override { google::RemoveLogSink(this); }

  void send(google::LogSeverity, const char*, const char*, int, const google::LogMessageTime&,
            const char* message, size_t length) override {
    absl::StrAppend(&text_, absl::string_view(message, length), "\n");
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// The grammar of room ids lets line feeds pass.
TEST(RecordCallTest, ARoomIdMakesNoLineOfItsOwn) {
  const LogKeeper log;
  metrics::CallMetrics metrics;
  RecordCall(metrics, "GetRoom", "calendar", "!a\nmethod=ImportRoom caller=admin:example.org",
             absl::OkStatus(), {absl::Microseconds(5)});
  EXPECT_EQ(
      log.text(),
      "method=GetRoom caller=calendar room=!a\\nmethod=ImportRoom\\x20caller=admin:example.org "
      "status=OK reason=- latency_us=5\n");
}

TEST(RecordCallTest, SaysWhatIsNotThere) {
  const LogKeeper log;
  metrics::CallMetrics metrics;
  RecordCall(metrics, "GetRoom", "-", "", absl::OkStatus(), {absl::Microseconds(5)}, "stream-1");
  EXPECT_EQ(log.text(),
            "method=GetRoom caller=- room=- status=OK reason=- latency_us=5 stream=stream-1\n");
}

}  // namespace
}  // namespace innkeeper::rpc
