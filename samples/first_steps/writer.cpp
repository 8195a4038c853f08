// The smallest writer that earns "application-consistent": a program that appends the lines it
// reads to a file, and lets itself be held still between two lines.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <semaphore>
#include <string>

#include <stillframe/writer_host.hpp>

namespace {

// [writer]
class Notes : public stillframe::Writer {
 public:
  explicit Notes(std::string folder) : folder_(std::move(folder)) {}

  void add(const std::string& line) {
    turn_.acquire();
    std::ofstream(folder_ + "/notes.txt", std::ios::app) << line << std::endl;
    turn_.release();
  }

  stillframe::WriterIdentity identity() const override {
    stillframe::WriterIdentity who;
    who.class_id = stillframe::WriterClassId::parse("6d0f8a52-91c3-4e0b-8a77-5c4f0e9d2b13").value();
    who.name = "Notes";
    return who;
  }

  stillframe::Result<stillframe::WriterMetadata> identify(const stillframe::CallContext&) override {
    stillframe::FileSet files;
    files.path = folder_;
    files.pattern = "*.txt";
    stillframe::Component notes;
    notes.name.name = "notes";
    notes.files = {files};
    stillframe::WriterMetadata metadata;
    metadata.components = {notes};
    return metadata;
  }

  stillframe::Status freeze(const stillframe::CallContext&) override {
    if (!turn_.try_acquire_for(std::chrono::seconds(1))) {
      return stillframe::Error(stillframe::Errc::timed_out, "a note takes too long to write");
    }
    held_ = true;
    return stillframe::Ok{};
  }

  // May come twice, and from the hold timer's thread.
  stillframe::Result<stillframe::HoldStatement> thaw(const stillframe::CallContext&) override {
    stillframe::HoldStatement statement;
    statement.unbroken = held_.exchange(false);
    if (statement.unbroken) turn_.release();
    return statement;
  }

 private:
  std::string folder_;
  std::binary_semaphore turn_{1};  // whoever has it may write
  std::atomic<bool> held_{false};
};
// [/writer]

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER < LINES\n", argv[0]);
    return 2;
  }
  Notes notes(argv[1]);
  auto host = stillframe::WriterHost::start(notes);
  if (!host.ok()) {
    std::fprintf(stderr, "%s\n", host.error().what().c_str());
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) notes.add(line);
}
