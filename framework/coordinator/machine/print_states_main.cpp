// stillframe-print-states: writes docs/states.md to standard output.
#include <iostream>

#include "framework/coordinator/machine/states_document.hpp"

int main() {
  std::cout << stillframe::machine::states_document(stillframe::machine::session_table());
  return std::cout.good() ? 0 : 1;
}
