// A third program that knows nothing of holds: reads the two branches' files where it is told to
// and says what they hold together. Lines in: "PATH PATH"; lines out: "SUM TRANSFERS".
#include <iostream>
#include <string>

#include "samples/demo/accounts.hpp"

int main() {
  for (std::string first, second; std::cin >> first >> second;) {
    demo::Books a, b;
    if (demo::read_books(first, a) && demo::read_books(second, b)) {
      std::cout << a.sum() + b.sum() << " " << a.transfers << std::endl;
    } else {
      std::cout << "unreadable 0" << std::endl;
    }
  }
}
