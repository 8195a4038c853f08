// The checks that every provider has to pass, ours and yours. They need nothing of a test
// framework: each is a name and a function, to be wrapped in whatever yours calls a test. Link
// the `testkit` component (`stillframe::testkit`).
#pragma once

#include <memory>
#include <vector>

#include <stillframe/provider.hpp>

namespace stillframe::testkit {

// What the suite needs to know about the provider it checks.
class ProviderUnderTest {
 public:
  virtual ~ProviderUnderTest() = default;

  // A new object on the same storage. Earlier ones are gone by then: this is a restart.
  virtual std::unique_ptr<Provider> make() = 0;

  // Mounted, writable volumes for this run alone, two of them if at all possible, as discovery
  // reports them. Checks write below a directory of their own at each volume's root and remove it
  // afterwards.
  virtual std::vector<Volume> volumes() = 0;

  // A directory for exposures.
  virtual BytePath scratch() = 0;

  // Whether a sealed snapshot refuses writes through its own root, and not only where exposed.
  virtual bool seals_root() const = 0;
};

struct ProviderCheck {
  const char* name;   // "LaterWritesAreInvisible"
  const char* shows;  // one sentence: what must be true
  // ok when the provider passes; not_supported, with the reason, when the check does not apply to
  // it; any other error says what was wrong. Leaves nothing behind unless it fails.
  Status (*run)(ProviderUnderTest&);
};

const std::vector<ProviderCheck>& provider_checks();

}  // namespace stillframe::testkit
