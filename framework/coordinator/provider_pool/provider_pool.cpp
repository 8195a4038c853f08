#include "framework/coordinator/provider_pool/provider_pool.hpp"

#include <algorithm>

namespace stillframe::coordinator {
namespace {

Result<std::shared_ptr<ProviderRunner>> make_runner(std::shared_ptr<Provider> provider) {
  ProviderInfo info = provider->info();
  auto worker = Worker::start("sf-" + info.name);
  if (!worker.ok()) return worker.error();
  return std::make_shared<ProviderRunner>(
      std::move(provider), std::shared_ptr<Worker>(std::move(worker).value()), std::move(info));
}

}  // namespace

void ProviderRunner::post(std::function<void(Provider&)> work) const {
  worker_->post([provider = provider_, work = std::move(work)] { work(*provider); });
}

Status ProviderPool::add(ProviderFactory factory) {
  auto provider = factory();
  if (!provider.ok()) return provider.error();
  auto runner = make_runner(std::move(provider).value());
  if (!runner.ok()) return runner.error();
  return insert({std::move(runner).value(), std::move(factory)});
}

Status ProviderPool::add_single(std::shared_ptr<Provider> provider) {
  auto runner = make_runner(std::move(provider));
  if (!runner.ok()) return runner.error();
  return insert({std::move(runner).value(), {}});
}

Status ProviderPool::insert(Entry entry) {
  const std::lock_guard lock(mutex_);
  if (!reaper_) {
    auto reaper = Worker::start("sf-reaper");
    if (!reaper.ok()) return reaper.error();
    reaper_ = std::move(reaper).value();
  }
  const ProviderInfo& info = entry.resident->info();
  for (const auto& other : entries_)
    if (other.resident->info().id == info.id || other.resident->info().name == info.name)
      return Error(Errc::already_exists,
                   "a provider named '" + other.resident->info().name + "' (" +
                       other.resident->info().id.to_string() +
                       ") is there already; give this one its own id and name");
  const auto before = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& other) {
    return other.resident->info().preference < info.preference;
  });
  entries_.insert(before, std::move(entry));
  return Ok{};
}

void ProviderPool::note_unavailable(const std::string& name, const Error& why,
                                    ProviderFactory factory) {
  const std::lock_guard lock(mutex_);
  unavailable_.insert_or_assign(name, Missing{why, std::move(factory)});
}

// Two at once do no harm: the second is there already, which is what both wanted.
Result<bool> ProviderPool::add_again(const std::string& name) {
  ProviderFactory factory;
  {
    const std::lock_guard lock(mutex_);
    const auto missing = unavailable_.find(name);
    if (missing == unavailable_.end() || !missing->second.factory) return false;
    factory = missing->second.factory;
  }
  const Status added = add(factory);
  if (!added.ok() && added.error().code() != Errc::already_exists) {
    note_unavailable(name, added.error(), factory);
    return added.error();
  }
  const std::lock_guard lock(mutex_);
  unavailable_.erase(name);
  return true;
}

std::string ProviderPool::unavailable() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, missing] : unavailable_)
    text += "; " + name + " is not available: " + missing.why.what();
  return text;
}

std::vector<ProviderInfo> ProviderPool::infos() const {
  const std::lock_guard lock(mutex_);
  std::vector<ProviderInfo> infos;
  for (const auto& entry : entries_) infos.push_back(entry.resident->info());
  return infos;
}

Result<ProviderInfo> ProviderPool::find(const std::string& name_or_id) const {
  const auto id = ProviderId::parse(name_or_id);
  std::string names;
  for (auto& info : infos()) {
    if (info.name == name_or_id || (id.ok() && info.id == id.value())) return info;
    names += (names.empty() ? "" : ", ") + info.name;
  }
  return Error(Errc::not_found,
               "no provider '" + name_or_id + "'; there are: " + names + unavailable());
}

Result<std::shared_ptr<ProviderRunner>> ProviderPool::open(const ProviderId& id) const {
  ProviderFactory factory;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : entries_) {
      if (entry.resident->info().id != id) continue;
      if (!entry.factory) return entry.resident;
      factory = entry.factory;
    }
  }
  if (!factory) return Error(Errc::not_found, "no provider with id " + id.to_string());
  auto provider = factory();
  if (!provider.ok()) return provider.error();
  return make_runner(std::move(provider).value());
}

// The runner itself says when it has nothing left to do: this is the last it is given. It cannot
// join its own thread, so the reaper does. Posted under the lock, so that the runner lives until
// post() has returned, and moved in, so that the caller's reference is never the last.
void ProviderPool::retire(std::shared_ptr<ProviderRunner> runner) {
  const std::lock_guard lock(mutex_);
  const ProviderRunner* const done = runner.get();
  retired_.push_back(std::move(runner));
  done->post([this, done](Provider&) { reaper_->post([this, done] { let_go_of(done); }); });
}

void ProviderPool::let_go_of(const ProviderRunner* runner) {
  std::shared_ptr<ProviderRunner> last;  // joined outside the lock
  const std::lock_guard lock(mutex_);
  const auto retired = std::find_if(retired_.begin(), retired_.end(),
                                    [&](const auto& other) { return other.get() == runner; });
  if (retired == retired_.end()) return;
  last = std::move(*retired);
  retired_.erase(retired);
}

void ProviderPool::stop() {
  std::vector<std::shared_ptr<ProviderRunner>> runners;
  Worker* reaper = nullptr;
  {
    const std::lock_guard lock(mutex_);
    runners = retired_;
    for (const auto& entry : entries_) runners.push_back(entry.resident);
    reaper = reaper_.get();
  }
  for (const auto& runner : runners) runner->stop();
  if (reaper != nullptr) reaper->stop();  // after the runners: they post to it
}

ProviderPool::~ProviderPool() {
  stop();
}

Result<std::shared_ptr<ProviderRunner>> ProviderPool::resident(const ProviderId& id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries_)
    if (entry.resident->info().id == id) return entry.resident;
  return Error(Errc::not_found, "no provider with id " + id.to_string() +
                                    "; the snapshot's provider is not loaded here");
}

}  // namespace stillframe::coordinator
