// A function to call back, as a parameter: unlike std::function it allocates nothing, because it
// only refers to what it was made of.
#pragma once

#include <memory>
#include <utility>

namespace stillframe::ese {

template <class Signature>
class Borrowed;

// For as long as the call lasts that it is passed to.
template <class R, class... Args>
class Borrowed<R(Args...)> {
 public:
  template <class Function>
  Borrowed(const Function& function)
      : function_(std::addressof(function)), call_([](const void* borrowed, Args... args) -> R {
          return (*static_cast<const Function*>(borrowed))(std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(function_, std::forward<Args>(args)...); }

 private:
  const void* function_;
  R (*call_)(const void* borrowed, Args... args);
};

}  // namespace stillframe::ese
