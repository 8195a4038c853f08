#include "framework/coordinator/service/snapshot_shelf.hpp"

#include <algorithm>
#include <map>

#include "framework/coordinator/event_ids.hpp"
#include "framework/coordinator/provider_pool/remove_for_good.hpp"

namespace stillframe::coordinator {

class SnapshotShelf::Impl : public std::enable_shared_from_this<SnapshotShelf::Impl> {
 public:
  enum class Access { look, change };

  Impl(const Services& services, FindSession find_session)
      : services_(services),
        find_session_(std::move(find_session)),
        strand_(services.runtime->make_strand()) {}

  void list(Listed listed) {
    gather([listed = std::move(listed)](const Result<Shelf>& shelf) {
      if (!shelf.ok()) return listed(shelf.error());
      std::vector<SnapshotInfo> infos;
      for (const auto& [id, entry] : shelf.value().entries) infos.push_back(entry.info);
      listed(std::move(infos));
    });
  }

  // Runs `work` with the snapshot's provider, then `note` against the journal if that went well.
  void with_provider(const SnapshotId& snapshot, Access access,
                     std::function<Status(Provider&, const SnapshotInfo&)> work,
                     std::function<Status(Journal&, const SnapshotInfo&)> note, Done done) {
    gather([self = shared_from_this(), snapshot, access, work = std::move(work),
            note = std::move(note), done = std::move(done)](const Result<Shelf>& shelf) {
      if (!shelf.ok()) return done(shelf.error());
      const auto entry = shelf.value().entries.find(snapshot);
      if (entry == shelf.value().entries.end())
        return done(Error(Errc::not_found, "no snapshot " + snapshot.to_string() +
                                               "; `snapshot list` shows those there are"));
      if (access == Access::change)
        if (Status s = self->check_unused(entry->second); !s.ok()) return done(s);
      auto runner = self->runner_of(entry->second.info);
      if (!runner.ok()) return done(runner.error());
      runner.value()->post([self, info = entry->second.info, work, note, done](Provider& provider) {
        Status status = work(provider, info);
        if (!status.ok() || !note) return self->finish(done, std::move(status));
        self->services_.journal_worker->post(
            [self, info, note, done] { self->finish(done, note(*self->services_.journal, info)); });
      });
    });
  }

  void delete_orphans(Listed left) {
    gather([self = shared_from_this(), left = std::move(left)](const Result<Shelf>& shelf) {
      if (!shelf.ok()) return left(shelf.error());
      auto remaining = std::make_shared<std::vector<SnapshotInfo>>();
      auto missing = std::make_shared<std::size_t>(1);
      const auto one_done = [missing, remaining, left] {
        if (--*missing == 0) left(std::move(*remaining));
      };
      for (const auto& [id, entry] : shelf.value().entries) {
        if (!entry.journalled || !entry.auto_release || self->find_session_(entry.session)) {
          remaining->push_back(entry.info);
          continue;
        }
        ++*missing;
        self->delete_orphan(entry.info, [remaining, info = entry.info, one_done](bool deleted) {
          if (!deleted) remaining->push_back(info);
          one_done();
        });
      }
      one_done();
    });
  }

 private:
  struct Entry {
    SnapshotInfo info;
    SessionId session;
    bool journalled = false;
    bool auto_release = false;
    bool present = false;  // some provider has it
  };
  struct Shelf {
    std::map<SnapshotId, Entry> entries;
  };
  using Gathered = std::function<void(const Result<Shelf>&)>;

  Status check_unused(const Entry& entry) const {
    const auto session = entry.journalled ? find_session_(entry.session) : std::nullopt;
    if (!session || session->ended) return Ok{};
    return Error(Errc::in_use, "snapshot " + entry.info.snapshot.to_string() +
                                   " belongs to session " + entry.session.to_string() + " of " +
                                   session->requestor +
                                   ", which still works with it; wait for it, or end it by force");
  }

  // That a provider is not here says nothing about its snapshots.
  Result<std::shared_ptr<ProviderRunner>> runner_of(const SnapshotInfo& info) const {
    auto runner = services_.providers->resident(info.provider);
    if (runner.ok()) return runner;
    return Error(Errc::not_supported, not_loaded(info) + "; start the coordinator with it");
  }

  std::string not_loaded(const SnapshotInfo& info) const {
    return "its provider " + info.provider_name + " is not loaded here" +
           services_.providers->unavailable();
  }

  void finish(const Done& done, Status status) {
    strand_.post([done, status = std::move(status)] { done(status); });
  }

  // The journal first, then every provider in parallel; one that fails hides only its own.
  void gather(Gathered gathered) {
    services_.journal_worker->post([self = shared_from_this(), gathered = std::move(gathered)] {
      auto known = std::make_shared<Result<std::vector<JournalledSnapshot>>>(
          self->services_.journal->snapshots());
      self->strand_.post([self, gathered, known] {
        if (!known->ok()) return gathered(Result<Shelf>(known->error()));
        auto shelf = std::make_shared<Shelf>();
        for (auto& snapshot : known->value()) {
          Entry& entry = shelf->entries[snapshot.info.snapshot];
          entry.info = snapshot.info;
          entry.session = snapshot.session;
          entry.journalled = true;
          entry.auto_release = snapshot.auto_release;
        }
        self->ask_providers(shelf, gathered);
      });
    });
  }

  void ask_providers(const std::shared_ptr<Shelf>& shelf, const Gathered& gathered) {
    const auto infos = services_.providers->infos();
    auto missing = std::make_shared<std::size_t>(infos.size());
    auto failures = std::make_shared<std::map<ProviderId, std::string>>();
    if (infos.empty()) return complete(shelf, *failures, gathered);
    for (const auto& info : infos) {
      auto runner = services_.providers->resident(info.id);
      if (!runner.ok()) {
        if (--*missing == 0) complete(shelf, *failures, gathered);
        continue;
      }
      runner.value()->post([self = shared_from_this(), shelf, gathered, missing, failures,
                            id = info.id](Provider& provider) {
        auto found = std::make_shared<Result<std::vector<SnapshotInfo>>>(provider.query());
        self->strand_.post([self, shelf, gathered, missing, failures, id, found] {
          if (found->ok())
            for (auto& snapshot : found->value()) self->merge(*shelf, std::move(snapshot));
          else
            (*failures)[id] = found->error().what();
          if (--*missing == 0) self->complete(shelf, *failures, gathered);
        });
      });
    }
  }

  void merge(Shelf& shelf, SnapshotInfo found) {
    Entry& entry = shelf.entries[found.snapshot];
    if (found.host.empty()) found.host = services_.host;
    if (found.set.is_nil()) found.set = entry.info.set;
    entry.info = std::move(found);
    entry.present = true;
  }

  void complete(const std::shared_ptr<Shelf>& shelf,
                const std::map<ProviderId, std::string>& failures, const Gathered& gathered) {
    for (auto& [id, entry] : shelf->entries)
      if (!entry.present && entry.info.reason_unusable.empty())
        entry.info.reason_unusable = why_absent(entry, failures);
    gathered(Result<Shelf>(std::move(*shelf)));
  }

  // Only a provider that answered and does not list it can have lost it.
  std::string why_absent(const Entry& entry,
                         const std::map<ProviderId, std::string>& failures) const {
    const auto failure = failures.find(entry.info.provider);
    if (failure != failures.end()) return "its provider does not answer: " + failure->second;
    if (!services_.providers->resident(entry.info.provider).ok()) return not_loaded(entry.info);
    if (const auto session = find_session_(entry.session))
      return "session " + entry.session.to_string() + " of " + session->requestor +
             (session->ended ? " is taking it away" : " is making it");
    return "provider " + entry.info.provider_name + " does not have it any more";
  }

  void delete_orphan(const SnapshotInfo& info, std::function<void(bool)> deleted) {
    const auto report = [self = shared_from_this(), info, deleted](const Status& status) {
      EventRecord event;
      event.id = status.ok() ? kEventOrphanDeleted : kEventOrphanLeft;
      event.source = "coordinator";
      event.level = status.ok() ? EventLevel::info : EventLevel::warning;
      event.message = status.ok() ? "deleted a snapshot that an earlier run left behind"
                                  : "a snapshot of an earlier run could not be deleted and is "
                                    "tried again at the next start: " +
                                        status.error().what();
      event.fields = {{"snapshot", info.snapshot.to_string()}, {"set", info.set.to_string()}};
      event.when = self->services_.clock->wall_now();
      self->services_.events->emit(event);
      deleted(status.ok());
    };
    auto runner = runner_of(info);
    if (!runner.ok()) return finish(report, runner.error());
    runner.value()->post([self = shared_from_this(), info, report](Provider& provider) {
      // A run that died between intent and cut left no snapshot, but perhaps half of one.
      provider.abort(info.set);
      const Status removed = remove_for_good(provider, info.snapshot);
      if (!removed.ok()) return self->finish(report, removed);
      self->services_.journal_worker->post([self, info, report] {
        self->finish(report, self->services_.journal->forget_snapshot(info.snapshot));
      });
    });
  }

  const Services& services_;
  const FindSession find_session_;
  const Strand strand_;
};

SnapshotShelf::SnapshotShelf(const Services& services, FindSession find_session)
    : impl_(std::make_shared<Impl>(services, std::move(find_session))) {}

void SnapshotShelf::list(Listed listed) {
  impl_->list(std::move(listed));
}

void SnapshotShelf::remove(const SnapshotId& snapshot, Done done) {
  impl_->with_provider(
      snapshot, Impl::Access::change,
      [](Provider& provider, const SnapshotInfo& info) {
        return remove_for_good(provider, info.snapshot);
      },
      [](Journal& journal, const SnapshotInfo& info) {
        return journal.forget_snapshot(info.snapshot);
      },
      std::move(done));
}

void SnapshotShelf::expose(const SnapshotId& snapshot, const BytePath& place, Done done) {
  impl_->with_provider(
      snapshot, Impl::Access::look,
      [place](Provider& provider, const SnapshotInfo& info) {
        return provider.expose(info.snapshot, place);
      },
      {}, std::move(done));
}

void SnapshotShelf::unexpose(const SnapshotId& snapshot, Done done) {
  impl_->with_provider(
      snapshot, Impl::Access::look,
      [](Provider& provider, const SnapshotInfo& info) { return provider.unexpose(info.snapshot); },
      {}, std::move(done));
}

void SnapshotShelf::make_writable(const SnapshotId& snapshot, Done done) {
  impl_->with_provider(
      snapshot, Impl::Access::change,
      [](Provider& provider, const SnapshotInfo& info) {
        return provider.make_writable(info.snapshot);
      },
      {}, std::move(done));
}

void SnapshotShelf::revert(const SnapshotId& snapshot, const RevertOptions& options, Done done) {
  impl_->with_provider(
      snapshot, Impl::Access::change,
      [options](Provider& provider, const SnapshotInfo& info) {
        return provider.revert(info.snapshot, options);
      },
      {}, std::move(done));
}

void SnapshotShelf::delete_orphans(Listed left) {
  impl_->delete_orphans(std::move(left));
}

}  // namespace stillframe::coordinator
