// The server's answers as tables.
#ifndef VARSCOPE_CLIENT_CTL_PRINT_H_
#define VARSCOPE_CLIENT_CTL_PRINT_H_

#include <ostream>

#include "varscope/v1/admin.pb.h"

namespace varscope::ctl {

void PrintList(const v1::ListVariablesResponse& response, std::ostream& out);
void PrintDescription(const v1::DescribeVariableResponse& response, std::ostream& out);
void PrintWorkers(const v1::ListWorkersResponse& response, std::ostream& out);
void PrintGroups(const v1::ListGroupsResponse& response, std::ostream& out);
void PrintSnapshots(const v1::ListSnapshotsResponse& response, std::ostream& out);

}  // namespace varscope::ctl

#endif  // VARSCOPE_CLIENT_CTL_PRINT_H_
