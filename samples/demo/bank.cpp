// One of two branches of a bank. Money leaves one branch's file and arrives in the other's, on
// another file system: between the two it is nowhere, and a cut there breaks the sum of all
// accounts.
//
//   bank DIR NAME SOCKET_DIR teller|counter PEER_FD
//
// The teller moves money as fast as it can; the counter does what the teller says. Lines on
// standard input: "hold on", "hold off" (whether freeze() really holds), "quit".
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>

#include <sys/socket.h>

#include <stillframe/writer_host.hpp>

#include "samples/demo/accounts.hpp"

namespace {

using namespace stillframe;

class Branch {
 public:
  bool open(const std::string& dir) {
    fd_ = ::open((dir + "/accounts.dat").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) return false;
    books_.balances.fill(demo::kOpeningBalance);
    return pwrite(fd_, &books_, sizeof books_, 0) == ssize_t{sizeof books_};
  }

  // Adds `amount` to an account of this branch and counts the transfer.
  void book(std::size_t account, std::int64_t amount) {
    books_.balances[account] += amount;
    ++books_.transfers;
    write_back(offsetof(demo::Books, balances) + account * sizeof(std::int64_t),
               books_.balances[account]);
    write_back(offsetof(demo::Books, transfers), books_.transfers);
  }

 private:
  void write_back(std::size_t offset, std::int64_t value) const {
    if (pwrite(fd_, &value, sizeof value, static_cast<off_t>(offset)) != ssize_t{sizeof value}) {
      std::perror("bank");
      std::abort();
    }
  }
  int fd_ = -1;
  demo::Books books_;
};

// Between transfers, or held there.
class Pause {
 public:
  void begin_transfer() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !held_; });
    busy_ = true;
  }
  void end_transfer() {
    const std::lock_guard lock(mutex_);
    busy_ = false;
    changed_.notify_all();
  }
  void hold() {
    std::unique_lock lock(mutex_);
    held_ = true;
    changed_.wait(lock, [&] { return !busy_; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false, busy_ = false;
};

class BankWriter final : public Writer {
 public:
  BankWriter(std::string dir, std::string name, bool teller, Pause& pause)
      : dir_(std::move(dir)), name_(std::move(name)), teller_(teller), pause_(pause) {}

  std::atomic<bool> really_holds{true};

  WriterIdentity identity() const override {
    WriterIdentity who;
    who.class_id = WriterClassId::parse("3b1f7c52-0d86-4e6c-9e0a-5a8d1c4f2e77").value();
    who.name = "Bank";
    who.instance_name = name_;
    // Who starts transfers stops first: then nothing is on its way when the other one stops.
    who.level = teller_ ? FreezeLevel::front_end : FreezeLevel::back_end;
    return who;
  }

  Result<WriterMetadata> identify(const CallContext&) override {
    FileSet files;
    files.path = dir_;
    files.pattern = "accounts.dat";
    Component component;
    component.type = ComponentType::database;
    component.name = {"", "accounts"};
    component.files = {files};
    WriterMetadata metadata;
    metadata.components = {component};
    return metadata;
  }

  Status freeze(const CallContext&) override {
    held_ = really_holds;
    if (held_) pause_.hold();
    return Ok{};
  }

  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = held_;
    if (!held_) statement.broken_because = "told not to hold";
    if (held_) pause_.release();
    held_ = false;
    return statement;
  }

 private:
  const std::string dir_, name_;
  const bool teller_;
  Pause& pause_;
  bool held_ = false;
};

// Between two transfers: the machine has other things to do, cuts for one.
constexpr std::chrono::microseconds kBreath{50};

struct Order {
  std::uint32_t account;
  std::int32_t amount;
};

bool send_all(int fd, const void* data, std::size_t size) {
  return send(fd, data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

bool receive_all(int fd, void* data, std::size_t size) {
  return recv(fd, data, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

// Out of an account here, over the wire, into an account there, and back the confirmation.
void run_teller(Branch& branch, Pause& pause, int peer, const std::atomic<bool>& stop) {
  std::uint32_t random = 12345;
  while (!stop) {
    random = random * 1664525u + 1013904223u;
    const Order order{static_cast<std::uint32_t>((random >> 8) % demo::kAccounts),
                      static_cast<std::int32_t>(random >> 16 & 511) - 256};
    pause.begin_transfer();
    branch.book((random >> 20) % demo::kAccounts, -order.amount);
    char done = 0;
    const bool moved = send_all(peer, &order, sizeof order) && receive_all(peer, &done, 1);
    pause.end_transfer();
    if (!moved) return;
    std::this_thread::sleep_for(kBreath);
  }
}

void run_counter(Branch& branch, Pause& pause, int peer) {
  Order order{};
  while (receive_all(peer, &order, sizeof order)) {
    pause.begin_transfer();
    branch.book(order.account, order.amount);
    pause.end_transfer();
    const char done = 1;
    if (!send_all(peer, &done, 1)) return;
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 6) {
    std::cerr << "usage: bank DIR NAME SOCKET_DIR teller|counter PEER_FD\n";
    return 2;
  }
  const std::string dir = words[1], name = words[2];
  const bool teller = std::strcmp(words[4], "teller") == 0;
  const int peer = std::atoi(words[5]);
  Branch branch;
  if (!branch.open(dir)) {
    std::perror("bank");
    return 1;
  }
  Pause pause;
  BankWriter writer(dir, name, teller, pause);
  WriterHostOptions options;
  options.socket_dir = words[3];
  auto host = WriterHost::start(writer, options);
  if (!host.ok()) {
    std::cerr << "bank: " << host.error().what() << "\n";
    return 1;
  }
  std::atomic<bool> stop{false};
  std::thread work([&] {
    if (teller) {
      run_teller(branch, pause, peer, stop);
    } else {
      run_counter(branch, pause, peer);
    }
  });
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    writer.really_holds = line == "hold on";
    std::cout << "ok" << std::endl;
  }
  stop = true;
  pause.release();
  shutdown(peer, SHUT_RDWR);
  work.join();
  return 0;
}
