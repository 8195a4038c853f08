// An order-entry service on the storage engine, which is backed up while it sells. It takes
// commands on standard input and answers each with a line.
//
//   shop DIR found                                            a new shop, with stock and no orders
//   shop DIR serve [--socket DIR] [--instance NAME] [--receipts FILE]
//
//   order CUSTOMER ITEM QUANTITY   answers number and price once the order is durable
//   sell N                         clerks enter N orders
//   open, close                    clerks enter orders until they are sent home
//   balance                        audits the books
//   check FILE [N]                 the first N receipts of FILE, or all, are in the books
//   quit
//
// A shop that cannot open serves nevertheless, so that it can be restored.
#include <filesystem>
#include <iostream>
#include <string>

#include <stillframe/ese/writer.hpp>
#include <stillframe/writer_host.hpp>

#include "samples/shop/commands.hpp"

namespace {

using namespace shop;

struct Options {
  std::string folder, verb, socket, instance = "shop", receipts;
};

bool parse(int count, char** words, Options& options) {
  if (count < 3) return false;
  options.folder = std::filesystem::absolute(words[1]).string();
  options.verb = words[2];
  for (int i = 3; i < count; i += 2) {
    const std::string word = words[i];
    if (i + 1 == count) return false;
    if (word == "--socket") {
      options.socket = words[i + 1];
    } else if (word == "--instance") {
      options.instance = words[i + 1];
    } else if (word == "--receipts") {
      options.receipts = words[i + 1];
    } else {
      return false;
    }
  }
  return options.verb == "found" || options.verb == "serve";
}

int failed(const Error& error) {
  std::cerr << "shop: " << error.what() << "\n";
  return 1;
}

// [serve]
int serve(const Options& options) {
  Service service(options.folder, kDesks);
  const Status opened = service.go_online();
  const auto writer = jet::make_writer(service, service.files(), options.instance);
  stillframe::WriterHostOptions host_options;
  host_options.socket_dir = options.socket;
  auto host = stillframe::WriterHost::start(*writer, host_options);
  if (!host.ok()) return failed(host.error());
  // [/serve]

  Clerks clerks(service, options.receipts);
  std::cout << (opened.ok() ? "ready" : "closed: " + opened.error().what()) << std::endl;
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    std::cout << answer(service, clerks, line) << std::endl;
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  Options options;
  if (!parse(count, words, options)) {
    std::cerr
        << "usage: shop DIR found | serve [--socket DIR] [--instance NAME] [--receipts FILE]\n";
    return 2;
  }
  if (options.verb == "serve") return serve(options);
  Service service(options.folder, 1);
  const Status founded = service.found();
  return founded.ok() ? 0 : failed(founded.error());
}
