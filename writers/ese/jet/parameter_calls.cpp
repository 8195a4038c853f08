// JetSetSystemParameter, JetGetSystemParameter, JetEnableMultiInstance.
#include <string>

#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

namespace {

Result<const ParameterRule*> rule_of(std::uint32_t id) {
  const ParameterRule* rule = find_parameter(id);
  if (rule != nullptr) return rule;
  return jet_error(JET_errInvalidParameter, "there is no parameter " + std::to_string(id));
}

// The instance that is meant; null: whatever instances begin with.
Result<std::shared_ptr<JetInstance>> instance_of(JET_INSTANCE instance) {
  if (!is_none(instance)) return Process::get().find_instance(instance);
  auto only = Process::get().only_instance();
  return only.ok() ? only : Result<std::shared_ptr<JetInstance>>(std::shared_ptr<JetInstance>());
}

Status set_parameter(JET_INSTANCE instance, std::uint32_t id, JET_API_PTR number,
                     const std::string& text) {
  const auto rule = rule_of(id);
  if (!rule.ok()) return rule.error();
  const ParameterScope scope = rule.value()->scope;
  if (scope == ParameterScope::read_only) {
    return jet_error(JET_errInvalidParameter,
                     "parameter " + std::to_string(id) + " can only be read");
  }
  Process& process = Process::get();
  if (of_process(scope)) {
    if (scope == ParameterScope::process_before && process.has_instances()) {
      return jet_error(JET_errSystemParamsAlreadySet,
                       "parameter " + std::to_string(id) + " is fixed by the first instance");
    }
    return process.parameters().set(*rule.value(), number, text);
  }
  const auto target = instance_of(instance);
  if (!target.ok()) return target.error();
  if (target.value() == nullptr) return process.parameters().set(*rule.value(), number, text);
  if (scope == ParameterScope::before_init && !target.value()->created_only()) {
    return jet_error(JET_errAlreadyInitialized,
                     "parameter " + std::to_string(id) + " is fixed once the instance runs");
  }
  return target.value()->parameters().set(*rule.value(), number, text);
}

std::uint64_t number_of(const ParameterRule& rule, const Parameters& parameters) {
  const Parameters& process = Process::get().parameters();
  const std::uint64_t page = process.number(JET_paramDatabasePageSize);
  switch (rule.id) {
    case JET_paramKeyMost:
      return page == 2048 ? 500 : page == 4096 ? 1000 : 2000;
    case JET_paramCacheSize:
      return process.number(JET_paramCacheSizeMax);
    default:
      return of_process(rule.scope) ? process.number(rule.id) : parameters.number(rule.id);
  }
}

template <class Char>
Status get_parameter(JET_INSTANCE instance, std::uint32_t id, JET_API_PTR* number, Char* text,
                     std::uint32_t bytes) {
  const auto rule = rule_of(id);
  if (!rule.ok()) return rule.error();
  const auto target = instance_of(instance);
  if (!target.ok()) return target.error();
  const Parameters& parameters =
      target.value() != nullptr ? target.value()->parameters() : Process::get().parameters();
  if (rule.value()->kind == ParameterKind::number) {
    if (number == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
    *number = number_of(*rule.value(), parameters);
    return Ok{};
  }
  std::string value;
  if (id == JET_paramErrorToString) {
    if (number == nullptr) return jet_error(JET_errInvalidParameter, "there is no error to tell");
    value = describe(static_cast<JET_ERR>(*number));
  } else {
    value = parameters.text(id);
  }
  if (copy_text(value, text, bytes)) return Ok{};
  return jet_error(JET_errBufferTooSmall, "the parameter's text is longer");
}

template <class Parameter>
Answer enable_several(Parameter* parameters, std::uint32_t count, std::uint32_t* done) {
  if (done != nullptr) *done = 0;
  if (parameters == nullptr && count > 0) {
    return jet_error(JET_errInvalidParameter, "there are no parameters");
  }
  if (Status s = Process::get().enable_several(); !s.ok()) return s.error();
  for (std::uint32_t i = 0; i < count; ++i) {
    Parameter& each = parameters[i];
    const Status set = set_parameter(0, each.paramid, each.lParam, utf8(each.sz));
    each.err = finish(set);
    if (!set.ok()) return set.error();
    if (done != nullptr) ++*done;
  }
  return success();
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetSetSystemParameterA(JET_INSTANCE* pinstance, JET_SESID, uint32_t paramid,
                                       JET_API_PTR lParam, JET_PCSTR szParam) {
  return answer([&] {
    return set_parameter(pinstance == nullptr ? 0 : *pinstance, paramid, lParam, utf8(szParam));
  });
}
JET_ERR JET_API JetSetSystemParameterW(JET_INSTANCE* pinstance, JET_SESID, uint32_t paramid,
                                       JET_API_PTR lParam, JET_PCWSTR szParam) {
  return answer([&] {
    return set_parameter(pinstance == nullptr ? 0 : *pinstance, paramid, lParam, utf8(szParam));
  });
}

JET_ERR JET_API JetGetSystemParameterA(JET_INSTANCE instance, JET_SESID, uint32_t paramid,
                                       JET_API_PTR* plParam, char* szParam, uint32_t cbMax) {
  return answer([&] { return get_parameter(instance, paramid, plParam, szParam, cbMax); });
}
JET_ERR JET_API JetGetSystemParameterW(JET_INSTANCE instance, JET_SESID, uint32_t paramid,
                                       JET_API_PTR* plParam, char16_t* szParam, uint32_t cbMax) {
  return answer([&] { return get_parameter(instance, paramid, plParam, szParam, cbMax); });
}

JET_ERR JET_API JetEnableMultiInstanceA(JET_SETSYSPARAM_A* psetsysparam, uint32_t csetsysparam,
                                        uint32_t* pcsetsucceed) {
  return answer([&] { return enable_several(psetsysparam, csetsysparam, pcsetsucceed); });
}
JET_ERR JET_API JetEnableMultiInstanceW(JET_SETSYSPARAM_W* psetsysparam, uint32_t csetsysparam,
                                        uint32_t* pcsetsucceed) {
  return answer([&] { return enable_several(psetsysparam, csetsysparam, pcsetsucceed); });
}

}  // extern "C"
