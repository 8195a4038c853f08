// Writes the manual pages into a folder: run by the build.
#include <fstream>
#include <iostream>

#include "requestor/cli/parse.hpp"

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: stillframe-man FOLDER\n";
    return 2;
  }
  for (const auto& help : stillframe::cli::describe_verbs()) {
    std::string name = "stillframe";
    for (char c : help.name.empty() ? std::string() : "-" + help.name) {
      name += c == ' ' ? '-' : c;
    }
    std::ofstream out(std::string(arguments[1]) + "/" + name + ".1");
    out << stillframe::cli::manual_page(help.name);
    out.close();
    if (!out) {
      std::cerr << "cannot write " << name << ".1\n";
      return 1;
    }
  }
  return 0;
}
