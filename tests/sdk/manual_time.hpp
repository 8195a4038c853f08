// Time that moves when a test says so.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "framework/sdk/alarm.hpp"

namespace stillframe::tests {

class ManualClock : public Clock {
 public:
  BootTime now() const override { return BootTime(Duration(now_.load())); }
  WallTime wall_now() const override { return {}; }
  void advance(Duration by) { now_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_{1'000'000'000};
};

// What the runner set, and a way to ring at any moment, due or not.
class ManualAlarm {
 public:
  AlarmFactory factory() {
    return [this](std::function<void()> ring) -> Result<std::unique_ptr<Alarm>> {
      std::lock_guard lock(mutex_);
      ring_ = std::move(ring);
      return std::unique_ptr<Alarm>(std::make_unique<Handle>(*this));
    };
  }
  std::optional<BootTime> set_to() const {
    std::lock_guard lock(mutex_);
    return at_;
  }
  void ring() {
    std::function<void()> ring;
    {
      std::lock_guard lock(mutex_);
      ring = ring_;
    }
    if (ring) ring();
  }

 private:
  class Handle : public Alarm {
   public:
    explicit Handle(ManualAlarm& owner) : owner_(owner) {}
    ~Handle() override {
      std::lock_guard lock(owner_.mutex_);
      owner_.ring_ = nullptr;
    }
    void set(std::optional<BootTime> at) override {
      std::lock_guard lock(owner_.mutex_);
      owner_.at_ = at;
    }

   private:
    ManualAlarm& owner_;
  };

  mutable std::mutex mutex_;
  std::function<void()> ring_;
  std::optional<BootTime> at_;
};

}  // namespace stillframe::tests
