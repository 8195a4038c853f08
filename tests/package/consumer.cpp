// A program of somebody else: knows the installed headers and the package's name.
#include <cstdio>

#include <stillframe/ids.hpp>
#include <stillframe/result.hpp>

int main() {
  const auto id = stillframe::SessionId::generate();
  const auto again = stillframe::SessionId::parse(id.to_string());
  std::printf("%s\n", id.to_string().c_str());
  return again.ok() && again.value() == id ? 0 : 1;
}
