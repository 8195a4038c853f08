// A user of the machine, as a program that runs for them needs to know them.
#pragma once

#include <string>

#include "framework/base/child_process.hpp"

namespace stillframe {

struct Account {
  std::string name;
  BytePath home;
  ChildUser ids;  // with every group the user is in
};

// not_found when there is no such user.
Result<Account> find_account(const std::string& name);

}  // namespace stillframe
