// A list of all that there was when it began, of which the catalog is locked for a page at a time.
#include "server/catalog/variable_pages.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/state.h"
#include "server/store/store.h"

namespace varscope::server {
namespace {

void Add(Catalog& catalog, const std::vector<std::string>& names, const std::string& primary) {
  const auto plan = [&](const NameTable&) {
    CreationBatch batch;
    for (const std::string& name : names) {
      NewVariable& v = batch.variables.emplace_back();
      v.definition = {.name = name, .kind = VariableKind::kShared, .shape = Shape{0}};
      if (primary.empty()) continue;
      v.definition.kind = VariableKind::kSlot;
      v.definition.primary = primary;
    }
    return batch;
  };
  ASSERT_TRUE(catalog.Create(plan).ok());
}

// Lists to the end, and does something else after each page.
template <typename Meanwhile>
std::vector<std::string> NamesIn(VariablePages pages, const Meanwhile& meanwhile) {
  std::vector<std::string> names;
  for (;;) {
    const absl::StatusOr<std::vector<VariablePtr>> page = pages.Next();
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok() || page->empty()) return names;
    EXPECT_LE(page->size(), VariablePages::kPage);
    for (const VariablePtr& variable : *page) names.push_back(variable->def.name);
    meanwhile();
  }
}

TEST(VariablePagesTest, HaveWhatThereWasWhenTheListBegan) {
  std::mt19937 random(3);
  const std::vector<std::string> primaries = {"", "a", "b"};
  Catalog catalog(StoreLimits{});
  std::vector<std::string> all;
  std::vector<std::vector<std::string>> of(primaries.size());
  const auto add = [&] {
    const size_t which = random() % primaries.size();
    std::vector<std::string> names;
    for (uint32_t i = 0, n = random() % 200; i < n; ++i) {
      names.push_back(absl::StrCat("v", all.size() + i));
    }
    if (names.empty()) return;
    Add(catalog, names, primaries[which]);
    all.insert(all.end(), names.begin(), names.end());
    of[which].insert(of[which].end(), names.begin(), names.end());
  };
  for (int i = 0; i < 15; ++i) {
    const std::vector<std::string> expected = all;
    EXPECT_EQ(NamesIn(VariablePages(catalog), add), expected);
    for (size_t which = 1; which < primaries.size(); ++which) {
      const std::vector<std::string> slots = of[which];
      EXPECT_EQ(NamesIn(VariablePages::OfSlots(catalog, primaries[which]), add), slots);
    }
    add();
  }
  EXPECT_GT(all.size(), 4 * VariablePages::kPage);
  EXPECT_TRUE(NamesIn(VariablePages::OfSlots(catalog, "v0"), add).empty());
}

// Others create between two pages, however long the list is: nobody holds the lock for the whole.
TEST(VariablePagesTest, OthersCreateBetweenPages) {
  Catalog catalog(StoreLimits{});
  std::vector<std::string> names;
  for (size_t i = 0; i < 3 * VariablePages::kPage + 1; ++i) names.push_back(absl::StrCat("v", i));
  Add(catalog, names, "");
  int created = 0;
  const auto create = [&] { Add(catalog, {absl::StrCat("new", ++created)}, ""); };
  EXPECT_EQ(NamesIn(VariablePages(catalog), create), names);
  EXPECT_EQ(created, 4);
}

TEST(VariablePagesTest, AListOfAStateThatIsNoMoreSaysSo) {
  Store store{StoreLimits{}};
  std::vector<std::string> names;
  for (size_t i = 0; i < VariablePages::kPage + 1; ++i) names.push_back(absl::StrCat("v", i));
  Add(store.catalog, names, "p");
  VariablePages pages(store.catalog);
  VariablePages slots = VariablePages::OfSlots(store.catalog, "p");
  EXPECT_EQ(pages.Next()->size(), VariablePages::kPage);
  EXPECT_EQ(slots.Next()->size(), VariablePages::kPage);
  // Also to one that has fewer.
  ASSERT_TRUE(Restore(store, StoreState()).ok());
  EXPECT_EQ(pages.Next().status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(slots.Next().status().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(VariablePages(store.catalog).Next()->empty());
}

}  // namespace
}  // namespace varscope::server
