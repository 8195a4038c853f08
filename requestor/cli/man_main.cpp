// Writes the manual pages into a folder: run by the build.
#include <iostream>

#include "requestor/cli/parse.hpp"

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: stillframe-man FOLDER\n";
    return 2;
  }
  const auto written =
      stillframe::write_manual_pages(stillframe::cli::describe_command(), arguments[1]);
  if (written.ok()) return 0;
  std::cerr << written.error().what() << "\n";
  return 1;
}
