#include "proto/core/blocking.h"

#include <utility>

namespace varscope {
namespace {

thread_local ThreadOwner* present_owner = nullptr;

}  // namespace

Blocking::Blocking() : owner_(std::exchange(present_owner, nullptr)) {
  if (owner_ != nullptr) owner_->Leaves();
}

Blocking::~Blocking() {
  if (owner_ == nullptr) return;
  present_owner = owner_;
  owner_->Returns();
}

void Blocking::Own(ThreadOwner* owner) { present_owner = owner; }

}  // namespace varscope
