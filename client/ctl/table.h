// Rows of text, numbers of bytes and times for people.
#ifndef VARSCOPE_CLIENT_CTL_TABLE_H_
#define VARSCOPE_CLIENT_CTL_TABLE_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace varscope::ctl {

using Row = std::vector<std::string>;

// Columns as wide as their widest text. At least one row; all have as many texts.
void PrintTable(const std::vector<Row>& rows, std::ostream& out);

// "77.1 KiB"
std::string Bytes(uint64_t n);

// Of microseconds since 1970: "2026-01-31 12:00:00 UTC"
std::string TimeText(int64_t micros);

}  // namespace varscope::ctl

#endif  // VARSCOPE_CLIENT_CTL_TABLE_H_
