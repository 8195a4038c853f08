// The writers that are connected now, however they came: over the socket or from this process.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "framework/transport/writer_link.hpp"

namespace stillframe::coordinator {

// What a session wants to hear of one writer, apart from answers. Called on a thread of the link's;
// must not block.
struct WriterListener {
  std::function<void(const Error&)> gone;
  WriterLink::ProgressHandler progress;
};

// Thread-safe.
class WriterRegistry {
 public:
  using RegisteredHandler = std::function<void(const std::shared_ptr<WriterLink>&)>;

  // Before the first writer: told of every later registration, on the thread that made it.
  void on_registered(RegisteredHandler handler);
  // Likewise of every one that goes, on a thread of its link's.
  using LeftHandler = std::function<void(const WriterLink&, const Error& why)>;
  void on_left(LeftHandler handler);

  // already_exists when a live writer bears the same class and instance name. The registry shares
  // the link with its server, because calls under way outlast a registration.
  Status add(std::shared_ptr<WriterLink> link);
  void remove(const WriterInstanceId& instance);

  std::vector<std::shared_ptr<WriterLink>> all() const;  // in order of name, then instance
  std::shared_ptr<WriterLink> find(const WriterInstanceId& instance) const;
  std::shared_ptr<WriterLink> find(const WriterClassId& writer_class,
                                   const std::string& instance_name) const;

  // Until the subscription is dropped. A writer that is gone already is told of at once.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept { *this = std::move(other); }
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription() { drop(); }
    void drop();

   private:
    friend class WriterRegistry;
    WriterRegistry* registry_ = nullptr;  // outlives every session
    WriterInstanceId instance_;
    std::uint64_t key_ = 0;
  };
  Subscription subscribe(const WriterInstanceId& instance, WriterListener listener);

  // timed_out says which are missing, or how many.
  Status wait(std::size_t count, std::chrono::milliseconds for_at_most) const;
  Status wait(const std::vector<std::string>& names, std::chrono::milliseconds for_at_most) const;

 private:
  struct Entry {
    std::shared_ptr<WriterLink> link;
    std::map<std::uint64_t, std::shared_ptr<const WriterListener>> listeners;
  };

  void forget(const WriterInstanceId& instance, const Error& why);
  void progressed(const WriterInstanceId& instance, Verb verb, std::uint64_t done,
                  std::uint64_t total, const std::string& what);
  std::vector<std::string> missing(const std::vector<std::string>& names) const;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<WriterInstanceId, Entry> writers_;
  std::uint64_t next_key_ = 1;
  RegisteredHandler registered_;
  LeftHandler left_;
};

// Whether `wanted` means this writer: its name, instance name, class id or instance id; empty means
// every writer.
bool names_writer(const std::string& wanted, const WriterIdentity& identity,
                  const WriterInstanceId& instance);

}  // namespace stillframe::coordinator
