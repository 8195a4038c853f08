// Which provider takes which volume, asked of the providers themselves as for a set.
#include <thread>

#include "framework/coordinator/service/coordinator_service.hpp"

namespace stillframe::coordinator {
namespace {

using nlohmann::json;

struct Opinions {
  std::shared_ptr<Request> request;
  std::vector<Volume> volumes;
  std::vector<ProviderInfo> providers;         // highest preference first
  std::vector<std::vector<Status>> supported;  // by provider, then volume
  std::size_t missing = 0;                     // providers that have not answered
  std::string unavailable;
};

json answer_of(const Opinions& opinions) {
  json list = json::array();
  for (std::size_t v = 0; v < opinions.volumes.size(); ++v) {
    json takes = json::array(), refusals = json::array();
    for (std::size_t p = 0; p < opinions.providers.size(); ++p) {
      const std::string& name = opinions.providers[p].name;
      const Status& supported = opinions.supported[p][v];
      if (supported.ok())
        takes.push_back(name);
      else
        refusals.push_back({{"provider", name}, {"message", supported.error().what()}});
    }
    json one{{"providers", std::move(takes)}, {"refusals", std::move(refusals)}};
    one["volume"] = encode_json(opinions.volumes[v]);
    list.push_back(std::move(one));
  }
  return {{"volumes", std::move(list)}, {"unavailable", opinions.unavailable}};
}

// On a strand; `opinions` is touched nowhere else, but for volumes, which nobody changes.
void ask(const std::shared_ptr<Opinions>& opinions, const ProviderPool& pool,
         const Strand& strand) {
  opinions->providers = pool.infos();
  opinions->unavailable = pool.unavailable();
  opinions->supported.resize(opinions->providers.size());
  opinions->missing = opinions->providers.size();
  if (opinions->missing == 0) return opinions->request->answer(answer_of(*opinions));
  for (std::size_t p = 0; p < opinions->providers.size(); ++p) {
    auto runner = pool.resident(opinions->providers[p].id);
    if (!runner.ok()) return opinions->request->refuse(runner.error());
    runner.value()->post([opinions, strand, p](Provider& provider) {
      std::vector<Status> supported;
      for (const Volume& volume : opinions->volumes)
        supported.push_back(provider.supports(volume, SnapshotAttributes{}));
      strand.post([opinions, p, supported = std::move(supported)]() mutable {
        opinions->supported[p] = std::move(supported);
        if (--opinions->missing == 0) opinions->request->answer(answer_of(*opinions));
      });
    });
  }
}

}  // namespace

// As list_volumes(): the look may block, and nobody waits for it.
void CoordinatorService::list_volume_support(const SharedRequest& request) {
  try {
    std::thread([this, look = services_.look_at_volumes, request,
                 strand = services_.runtime->make_strand()] {
      auto source = look();
      if (!source.ok()) return request->refuse(source.error());
      auto opinions = std::make_shared<Opinions>();  // shared by the providers' threads
      opinions->request = request;
      opinions->volumes = source.value()->volumes();
      strand.post([this, opinions, strand] { ask(opinions, *services_.providers, strand); });
    }).detach();
  } catch (const std::exception& e) {
    request->refuse(Error(Errc::out_of_resources, std::string("starting a thread: ") + e.what()));
  }
}

}  // namespace stillframe::coordinator
