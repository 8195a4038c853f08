#include "writers/ese/writer/jet_stream.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include <stillframe/ese/jet_status.hpp>

namespace stillframe::ese {

namespace {

using stillframe::jet::detail::status_of;

// The names of a list, each of which ends with a zero.
std::vector<BytePath> names_of_list(const std::vector<char>& list) {
  std::vector<BytePath> names;
  for (std::size_t at = 0; at < list.size() && list[at] != '\0';) {
    names.emplace_back(list.data() + at);
    at += names.back().size() + 1;
  }
  return names;
}

class JetStream final : public HostStream {
 public:
  explicit JetStream(JET_INSTANCE instance) : instance_(instance) {}
  ~JetStream() override {
    if (begun_) JetEndExternalBackupInstance2(instance_, JET_bitBackupEndAbort);
  }
  JetStream(const JetStream&) = delete;
  JetStream& operator=(const JetStream&) = delete;

  Status begin(StreamKind kind) {
    const bool logs = kind == StreamKind::logs;
    const JET_GRBIT bits = logs ? JET_bitBackupIncremental : 0U;
    const JET_ERR begun = JetBeginExternalBackupInstance(instance_, bits);
    if (Status s = status_of(begun, "JetBeginExternalBackup"); !s.ok()) return s;
    begun_ = true;
    if (logs) return Ok{};
    std::uint32_t bytes = 0;
    return status_of(JetGetAttachInfoInstanceA(instance_, nullptr, 0, &bytes), "JetGetAttachInfo");
  }

  Result<std::uint64_t> open(const BytePath& path) override {
    std::uint32_t low = 0, high = 0;
    const JET_ERR opened = JetOpenFileInstanceA(instance_, path.c_str(), &file_, &low, &high);
    if (Status s = status_of(opened, "JetOpenFile"); !s.ok()) return s.error();
    return std::uint64_t{high} << 32 | low;
  }
  Result<std::size_t> read(MutableBytes into) override {
    std::uint32_t bytes = 0;
    const JET_ERR got = JetReadFileInstance(instance_, file_, into.data(),
                                            static_cast<std::uint32_t>(into.size()), &bytes);
    if (Status s = status_of(got, "JetReadFile"); !s.ok()) return s.error();
    return std::size_t{bytes};
  }
  Status close() override {
    return status_of(JetCloseFileInstance(instance_, file_), "JetCloseFile");
  }
  Result<std::vector<BytePath>> logs() override {
    std::uint32_t bytes = 0;
    Status asked =
        status_of(JetGetLogInfoInstanceA(instance_, nullptr, 0, &bytes), "JetGetLogInfo");
    if (!asked.ok()) return asked.error();
    std::vector<char> list(bytes + std::size_t{1});
    asked =
        status_of(JetGetLogInfoInstanceA(instance_, list.data(), bytes, &bytes), "JetGetLogInfo");
    if (!asked.ok()) return asked.error();
    return names_of_list(list);
  }
  Status truncate() override {
    return status_of(JetTruncateLogInstance(instance_), "JetTruncateLog");
  }
  Status end() override {
    begun_ = false;
    return status_of(JetEndExternalBackupInstance2(instance_, JET_bitBackupEndNormal),
                     "JetEndExternalBackup");
  }

 private:
  const JET_INSTANCE instance_;
  JET_HANDLE file_ = 0;
  bool begun_ = false;
};

}  // namespace

Result<std::unique_ptr<HostStream>> begin_jet_stream(JET_INSTANCE instance, StreamKind kind) {
  auto stream = std::make_unique<JetStream>(instance);
  if (Status s = stream->begin(kind); !s.ok()) return s.error();
  return std::unique_ptr<HostStream>(std::move(stream));
}

}  // namespace stillframe::ese
