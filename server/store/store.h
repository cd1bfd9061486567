// The store of all variables: what it consists of. It knows no RPC and no disk. server/push changes
// values, read.h reads them, state.h has the whole as a value.
#ifndef VARSCOPE_SERVER_STORE_STORE_H_
#define VARSCOPE_SERVER_STORE_STORE_H_

#include "server/catalog/catalog.h"
#include "server/env/env.h"
#include "server/store/changes.h"
#include "server/store/completion_records.h"
#include "server/store/push_observer.h"

namespace varscope::server {

// Each part is thread-safe. Who needs one part only is given that.
struct Store {
  explicit Store(StoreLimits limits, Env& env = SystemEnv()) : catalog(limits, env) {}

  Catalog catalog;
  CompletionRecords completion_records;
  Changes changes;
  // Null: nobody. Set before the store is shared; must outlive it.
  PushObserver* push_observer = nullptr;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_STORE_H_
