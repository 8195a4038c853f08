// What is in a snapshot: exactly what was there when it was cut.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/io/file.hpp"
#include "framework/testkit/provider_suite/rich_tree.hpp"
#include "framework/testkit/provider_suite/trial.hpp"

namespace stillframe::testkit {
namespace {

constexpr int kRoundsUnheld = 10;

Status faithful(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (Status s = build_rich_tree(t.data()); !s.ok()) return s;
  auto before = describe_tree(t.data());
  if (!before.ok()) return before.error();
  auto info = t.snapshot();
  if (!info.ok()) return info.error();
  return expect_same_tree(before.value(), t.data_in(info.value()));
}

Status later_writes(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (Status s = build_rich_tree(t.data()); !s.ok()) return s;
  auto before = describe_tree(t.data());
  if (!before.ok()) return before.error();
  const SetId set = SetId::generate();
  if (Status s = t.drive(set, Upto::commit); !s.ok()) return s;
  // From here nothing may reach the snapshot, sealed or not.
  for (const char* name : {"/plain", "/sparse", "/big"}) {
    if (Status s = put_file(t.data() + name, "changed", 1); !s.ok()) return s;
  }
  if (Status s = put_file(t.data() + "/new", "new"); !s.ok()) return s;
  if (::unlink((t.data() + "/empty").c_str()) != 0) return wrong("cannot remove a live file");
  for (Upto step : {Upto::post_commit, Upto::pre_final, Upto::post_final}) {
    if (Status s = t.step(set, step); !s.ok()) return s;
  }
  if (Status s = put_file(t.data() + "/plain", "again"); !s.ok()) return s;
  return expect_same_tree(before.value(), t.data_in(t.made().at(0)));
}

// Everything that can happen to a file between the preparation and the cut.
Status changes_before_the_cut(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  const BytePath& data = t.data();
  if (Status s = build_rich_tree(data); !s.ok()) return s;
  for (const char* name : {"/a", "/b", "/c", "/d"}) {
    if (Status s = put_file(data + name, std::string("first ") + name); !s.ok()) return s;
  }
  if (Status s = make_directories(data + "/goes/inner"); !s.ok()) return s;
  if (Status s = put_file(data + "/goes/inner/file", "x"); !s.ok()) return s;
  const SetId set = SetId::generate();
  if (Status s = t.drive(set, Upto::pre_commit); !s.ok()) return s;

  bool done = ::unlink((data + "/a").c_str()) == 0;
  done = done && ::rename((data + "/b").c_str(), (data + "/b renamed").c_str()) == 0;
  done = done && ::rename((data + "/c").c_str(), (data + "/d").c_str()) == 0;
  done = done && ::truncate((data + "/big").c_str(), 100) == 0;
  done = done && ::chmod((data + "/plain").c_str(), 0600) == 0;
  done = done && ::link((data + "/big").c_str(), (data + "/big too").c_str()) == 0;
  done = done && ::unlink((data + "/dir/second name").c_str()) == 0;
  done = done && ::unlink((data + "/link").c_str()) == 0;
  done = done && ::symlink("elsewhere", (data + "/link").c_str()) == 0;
  done = done && ::unlink((data + "/fifo").c_str()) == 0;
  done = done && ::unlink((data + "/goes/inner/file").c_str()) == 0;
  done = done && ::rmdir((data + "/goes/inner").c_str()) == 0;
  done = done && ::rmdir((data + "/goes").c_str()) == 0;
  if (!done) return wrong("cannot change the live files");
  for (const auto& [name, content] : {std::pair{"/fifo", "a file now"},
                                      {"/goes", "also a file"},
                                      {"/new", "new"},
                                      {"/dir/grown", "grown"}}) {
    if (Status s = put_file(data + name, content); !s.ok()) return s;
  }
  if (Status s = make_directories(data + "/new directory/inner", 0701); !s.ok()) return s;
  if (Status s = put_file(data + "/new directory/inner/file", "deep"); !s.ok()) return s;
  if (Status s = put_file(data + "/sparse", "more", 5 << 20); !s.ok()) return s;

  auto before = describe_tree(data);
  if (!before.ok()) return before.error();
  for (Upto step : {Upto::commit, Upto::post_commit, Upto::pre_final, Upto::post_final}) {
    if (Status s = t.step(set, step); !s.ok()) return s;
  }
  return expect_same_tree(before.value(), t.data_in(t.made().at(0)));
}

// An application that numbers its writes, and can hold still.
class NumberingWriter {
 public:
  // With `sync` every write is durable before the next: then, and only then, has even one that is
  // not held an order that a cut has to keep. Unsynced writes may be reordered by a power cut, and
  // by a snapshot that stands for one.
  NumberingWriter(const BytePath& directory, bool sync)
      : sync_(sync),
        first_(open_file(directory + "/first", O_RDWR | O_CREAT, 0644)),
        second_(open_file(directory + "/second", O_RDWR | O_CREAT, 0644)),
        thread_([this] { run(); }) {}
  ~NumberingWriter() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  std::uint64_t hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
    return number_;
  }
  void thaw() {
    {
      const std::lock_guard lock(mutex_);
      held_ = false;
    }
    wake_.notify_all();
  }
  void wait_for_progress() {
    std::unique_lock lock(mutex_);
    const auto from = number_;
    wake_.wait(lock, [&] { return number_ > from + 20 || failed_; });
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    if (!first_.ok() || !second_.ok()) failed_ = true;
    while (!stop_ && !failed_) {
      if (held_) {
        wake_.wait(lock);
        continue;
      }
      // The second file is never ahead of the first.
      const std::uint64_t next = number_ + 1;
      failed_ = !put(first_, next) || !put(second_, next);
      number_ = next;
      wake_.notify_all();
      lock.unlock();  // lets hold() in between two writes
      std::this_thread::yield();
      lock.lock();
    }
  }
  bool put(const Result<Descriptor>& file, std::uint64_t number) const {
    const int fd = file.value().get();
    return ::pwrite(fd, &number, sizeof number, 0) == sizeof number &&
           (!sync_ || ::fdatasync(fd) == 0);
  }

  const bool sync_;
  Result<Descriptor> first_, second_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::uint64_t number_ = 0;
  bool held_ = false, stop_ = false, failed_ = false;
  std::thread thread_;
};

Result<std::uint64_t> number_in(const BytePath& path) {
  auto bytes = get_file(path);
  if (!bytes.ok()) return bytes.error();
  std::uint64_t number = 0;
  if (bytes.value().size() != sizeof number) return std::uint64_t{0};
  bytes.value().copy(reinterpret_cast<char*>(&number), sizeof number);
  return number;
}

Status held_writer(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  NumberingWriter writer(t.data(), false);
  writer.wait_for_progress();
  const SetId set = SetId::generate();
  if (Status s = t.drive(set, Upto::end_prepare); !s.ok()) return s;
  writer.wait_for_progress();
  const std::uint64_t held_at = writer.hold();
  for (Upto step : {Upto::pre_commit, Upto::commit, Upto::post_commit}) {
    if (Status s = t.step(set, step); !s.ok()) return s;
  }
  writer.thaw();
  writer.wait_for_progress();
  for (Upto step : {Upto::pre_final, Upto::post_final}) {
    if (Status s = t.step(set, step); !s.ok()) return s;
  }
  for (const char* name : {"/first", "/second"}) {
    auto number = number_in(t.data_in(t.made().at(0)) + name);
    if (!number.ok()) return number.error();
    if (number.value() != held_at) {
      return wrong(std::string(name) + " holds " + std::to_string(number.value()) +
                   ", the writer held still at " + std::to_string(held_at));
    }
  }
  return Ok{};
}

Status unheld_writer(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (t.provider().info().atomicity == Atomicity::file) {
    return Error(Errc::not_supported, "the provider promises single files only");
  }
  NumberingWriter writer(t.data(), true);
  for (int round = 0; round < kRoundsUnheld; ++round) {
    writer.wait_for_progress();
    const SetId set = SetId::generate();
    if (Status s = t.drive(set, Upto::post_final); !s.ok()) return s;
    auto first = number_in(t.data_in(t.made().at(0)) + "/first");
    auto second = number_in(t.data_in(t.made().at(0)) + "/second");
    if (!first.ok() || !second.ok()) return first.ok() ? second.error() : first.error();
    if (second.value() > first.value() || first.value() > second.value() + 1) {
      return wrong("one cut holds " + std::to_string(first.value()) + " and " +
                   std::to_string(second.value()) + ", which never were there together");
    }
    t.provider().abort(set);
  }
  return Ok{};
}

Status many_files(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  for (int i = 0; i < 800; ++i) {
    const BytePath directory = t.data() + "/" + std::to_string(i % 37);
    if (Status s = make_directories(directory, 0755); !s.ok()) return s;
    Status put = put_file(directory + "/" + std::to_string(i), std::to_string(i * 7919));
    if (!put.ok()) return put;
  }
  auto before = describe_tree(t.data());
  if (!before.ok()) return before.error();
  auto info = t.snapshot();
  if (!info.ok()) return info.error();
  return expect_same_tree(before.value(), t.data_in(info.value()));
}

}  // namespace

std::vector<ProviderCheck> content_checks() {
  return {
      {"EveryFileIsFaithful",
       "Names, data, holes, links, owners, modes, times, attributes and ACLs are those of the cut.",
       faithful},
      {"LaterWritesAreInvisible", "Nothing written after the cut is in the snapshot.",
       later_writes},
      {"ChangesBeforeTheCutAreInIt",
       "Files made, removed, renamed, replaced or changed after the preparation are as they are at "
       "the cut.",
       changes_before_the_cut},
      {"AHeldWriterIsCutWhereItHeld", "What a writer had written when it held still is in the cut.",
       held_writer},
      {"SyncedWritesKeepTheirOrderWithoutAHold",
       "A provider that promises whole volumes never shows a write without the synced ones before.",
       unheld_writer},
      {"ManyFiles", "Hundreds of small files are all there.", many_files},
  };
}

}  // namespace stillframe::testkit
