#include "framework/providers/host/make_provider.hpp"

#include "framework/providers/command/command_provider.hpp"

namespace stillframe {

std::vector<std::string> builtin_provider_names() {
  return {"btrfs", "image", "reflink", "copy"};
}

Result<std::unique_ptr<Provider>> make_provider(std::string_view name,
                                                ProviderEnvironment environment) {
  constexpr std::string_view kCommand = "command:";
  if (name.starts_with(kCommand)) {
    CommandProviderOptions options;
    options.events = environment.events;
    return load_command_provider(BytePath(name.substr(kCommand.size())), options);
  }
  if (name == "btrfs") return make_btrfs_provider(std::move(environment));
  if (name == "image") return make_image_provider(std::move(environment));
  if (name == "reflink") return make_reflink_provider(std::move(environment));
  if (name == "copy") return make_copy_provider(std::move(environment));
  std::string known;
  for (const std::string& one : builtin_provider_names()) known += one + ", ";
  return Error(Errc::not_found, "there is no provider '" + escape_path(name.substr(0, 80)) +
                                    "'; there are " + known + "and command:FILE");
}

}  // namespace stillframe
