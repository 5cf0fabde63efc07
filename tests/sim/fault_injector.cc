#include "sim/fault_injector.h"

namespace varve {

Fault Fault::OfSyncs(uint64_t nth, bool sticky) {
  return {.nth = nth, .sticky = sticky, .matches = [](const Operation& operation) {
            return operation.kind == OperationKind::kSync ||
                   operation.kind == OperationKind::kSyncDirectory;
          }};
}

Fault Fault::OfKind(OperationKind kind, uint64_t nth, bool sticky, int error_number) {
  return {.nth = nth,
          .sticky = sticky,
          .error_number = error_number,
          .matches = [kind](const Operation& operation) { return operation.kind == kind; }};
}

std::optional<Fault> FaultInjector::Admit(const Operation& operation) {
  ++operations_;
  const bool is_change = IsChange(operation.kind);
  // Once off, the power stays off for reads too: nothing runs after a power cut.
  if (is_change && freeze_at_ && changes_ >= *freeze_at_) frozen_ = true;
  if (frozen_) return Fault{.error_number = ENODEV};
  if (is_change) ++changes_;
  std::optional<Fault> hit;
  for (Armed& armed : faults_) {
    if (armed.fault.matches && !armed.fault.matches(operation)) continue;
    ++armed.seen;
    const bool fails =
        armed.fault.sticky ? armed.seen >= armed.fault.nth : armed.seen == armed.fault.nth;
    if (fails && !hit) hit = armed.fault;
  }
  return hit;
}

}  // namespace varve
