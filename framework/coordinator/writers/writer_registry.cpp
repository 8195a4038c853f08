#include "framework/coordinator/writers/writer_registry.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

namespace stillframe::coordinator {

bool names_writer(const std::string& wanted, const WriterIdentity& identity,
                  const WriterInstanceId& instance) {
  if (wanted.empty() || wanted == identity.name || wanted == identity.instance_name) return true;
  auto id = parse_uuid(wanted);
  return id.ok() && (id.value() == identity.class_id.bytes() || id.value() == instance.bytes());
}

WriterRegistry::Subscription& WriterRegistry::Subscription::operator=(
    Subscription&& other) noexcept {
  drop();
  registry_ = std::exchange(other.registry_, nullptr);
  instance_ = other.instance_;
  key_ = other.key_;
  return *this;
}

void WriterRegistry::Subscription::drop() {
  if (registry_ == nullptr) return;
  const std::lock_guard lock(registry_->mutex_);
  auto entry = registry_->writers_.find(instance_);
  if (entry != registry_->writers_.end()) entry->second.listeners.erase(key_);
  registry_ = nullptr;
}

void WriterRegistry::on_registered(RegisteredHandler handler) {
  registered_ = std::move(handler);
}

void WriterRegistry::on_left(LeftHandler handler) {
  left_ = std::move(handler);
}

Status WriterRegistry::add(std::shared_ptr<WriterLink> link) {
  const WriterInstanceId instance = link->instance();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [other, entry] : writers_)
      if (entry.link->identity().class_id == link->identity().class_id &&
          entry.link->identity().instance_name == link->identity().instance_name)
        return Error(Errc::already_exists,
                     "writer " + link->identity().name + ": an instance named '" +
                         link->identity().instance_name + "' is registered already by process " +
                         std::to_string(entry.link->process().pid) +
                         "; give this one another instance name or stop that process");
    writers_[instance].link = link;
  }
  // Outside the lock: both may call back at once.
  link->on_progress(
      [this, instance](Verb verb, std::uint64_t done, std::uint64_t total,
                       const std::string& what) { progressed(instance, verb, done, total, what); });
  link->on_gone([this, instance](const Error& why) { forget(instance, why); });
  changed_.notify_all();
  if (registered_) registered_(link);
  return Ok{};
}

void WriterRegistry::remove(const WriterInstanceId& instance) {
  forget(instance, Error(Errc::writer_gone, "the writer was taken away"));
}

std::vector<std::shared_ptr<WriterLink>> WriterRegistry::all() const {
  std::vector<std::shared_ptr<WriterLink>> links;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [instance, entry] : writers_) links.push_back(entry.link);
  }
  // Those of one process together: what they are told one after the other wakes it once.
  std::sort(links.begin(), links.end(), [](const auto& a, const auto& b) {
    return std::tuple(std::string_view(a->identity().name), a->process().pid, a->instance()) <
           std::tuple(std::string_view(b->identity().name), b->process().pid, b->instance());
  });
  return links;
}

std::shared_ptr<WriterLink> WriterRegistry::find(const WriterInstanceId& instance) const {
  const std::lock_guard lock(mutex_);
  auto entry = writers_.find(instance);
  return entry == writers_.end() ? nullptr : entry->second.link;
}

std::shared_ptr<WriterLink> WriterRegistry::find(const WriterClassId& writer_class,
                                                 const std::string& instance_name) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [instance, entry] : writers_)
    if (entry.link->identity().class_id == writer_class &&
        entry.link->identity().instance_name == instance_name)
      return entry.link;
  return nullptr;
}

WriterRegistry::Subscription WriterRegistry::subscribe(const WriterInstanceId& instance,
                                                       WriterListener listener) {
  auto shared = std::make_shared<const WriterListener>(std::move(listener));
  Subscription subscription;
  {
    const std::lock_guard lock(mutex_);
    auto entry = writers_.find(instance);
    if (entry != writers_.end()) {
      subscription.registry_ = this;
      subscription.instance_ = instance;
      subscription.key_ = next_key_++;
      entry->second.listeners.emplace(subscription.key_, shared);
      return subscription;
    }
  }
  if (shared->gone) shared->gone(Error(Errc::writer_gone, "the writer has left already"));
  return subscription;
}

Status WriterRegistry::wait(std::size_t count, std::chrono::milliseconds for_at_most) const {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, for_at_most, [&] { return writers_.size() >= count; })) return Ok{};
  return Error(Errc::timed_out, std::to_string(writers_.size()) + " of " + std::to_string(count) +
                                    " writers registered within " +
                                    std::to_string(for_at_most.count()) + " ms");
}

Status WriterRegistry::wait(const std::vector<std::string>& names,
                            std::chrono::milliseconds for_at_most) const {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, for_at_most, [&] { return missing(names).empty(); })) return Ok{};
  std::string list;
  for (const auto& name : missing(names)) list += (list.empty() ? "" : ", ") + name;
  return Error(Errc::timed_out, "not registered within " + std::to_string(for_at_most.count()) +
                                    " ms: " + list +
                                    "; start the application, or check its socket folder");
}

std::vector<std::string> WriterRegistry::missing(const std::vector<std::string>& names) const {
  std::vector<std::string> absent;
  for (const auto& name : names) {
    const bool here = std::any_of(writers_.begin(), writers_.end(), [&](const auto& writer) {
      return names_writer(name, writer.second.link->identity(), writer.first);
    });
    if (!here) absent.push_back(name);
  }
  return absent;
}

void WriterRegistry::forget(const WriterInstanceId& instance, const Error& why) {
  Entry entry;
  {
    const std::lock_guard lock(mutex_);
    auto found = writers_.find(instance);
    if (found == writers_.end()) return;
    entry = std::move(found->second);
    writers_.erase(found);
  }
  changed_.notify_all();
  if (left_) left_(*entry.link, why);
  for (const auto& [key, listener] : entry.listeners)
    if (listener->gone) listener->gone(why);
}

void WriterRegistry::progressed(const WriterInstanceId& instance, Verb verb, std::uint64_t done,
                                std::uint64_t total, const std::string& what) {
  std::vector<std::shared_ptr<const WriterListener>> listeners;
  {
    const std::lock_guard lock(mutex_);
    auto entry = writers_.find(instance);
    if (entry == writers_.end()) return;
    for (const auto& [key, listener] : entry->second.listeners) listeners.push_back(listener);
  }
  for (const auto& listener : listeners)
    if (listener->progress) listener->progress(verb, done, total, what);
}

}  // namespace stillframe::coordinator
