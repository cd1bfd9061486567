// Which addresses programs take.
#include "proto/wire/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace varscope {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> kGood = {
    "127.0.0.1:7077",    "0.0.0.0:1",        "localhost:65535",
    "server:7077",       "ps-0.ps.ns:7077",  "my_host.local:80",
    "host.:7077",        "[::1]:7077",       "[::]:7077",
    "[fe80::1%eth0]:80", "unix:/run/v.sock", "unix:v.sock",
    "unix:///run/v",     "unix:/a b",        "unix:" + std::string(107, 'p'),
    "3com.example:443",  "a.1b:7",           "[::ffff:10.0.0.1]:7077"};

// What is wrong with each, in a word of the message.
const std::map<std::string, std::string> kBad = {
    {"", "port is missing"},
    {"7077", "port is missing"},
    {"host", "port is missing"},
    {"127.0.0.1", "port is missing"},
    {"[::1]", "port is missing"},
    {"[::1]7077", "port is missing"},
    {"host:", "is no port"},
    {"host:port", "is no port"},
    {"host:65536", "is no port"},
    {"127.0.0.1:99999", "from"},
    {"host:4294967296", "is no port"},
    {"host:18446744073709551617", "is no port"},
    {"host:-1", "is no port"},
    {"host:+7077", "is no port"},
    {"host: 7077", "is no port"},
    {"host:7077 ", "is no port"},
    {"host:0x10", "is no port"},
    {"host:70.7", "is no port"},
    {"host:7077/path", "is no port"},
    {"host:7077:7078", "in brackets"},
    {":7077", "host is missing"},
    {":", "host is missing"},
    {"*:7077", "0.0.0.0:PORT"},
    {" host:7077", "is no host name"},
    {"ho st:7077", "is no host name"},
    {"host,other:7077", "is no host name"},
    {"user@host:7077", "is no host name"},
    {"-host:7077", "is no host name"},
    {"a..b:7077", "is no host name"},
    {".a:7077", "is no host name"},
    {std::string(64, 'h') + ":7077", "is no host name"},
    {"h\xc3\xb6st:7077", "is no host name"},
    {"256.1.1.1:7077", "is no IPv4 address"},
    {"127.0.0.1.5:7077", "is no IPv4 address"},
    {"127.1:7077", "is no IPv4 address"},
    {"1234:7077", "is no IPv4 address"},
    {"127.0.0.1.:7077", "is no IPv4 address"},
    {"::1:7077", "in brackets"},
    {"::1", "in brackets"},
    {"fe80::1%eth0:7077", "in brackets"},
    {"[::1:7077", "is no IPv6 address"},
    {"[host]:7077", "is no IPv6 address"},
    {"[127.0.0.1]:7077", "is no IPv6 address"},
    {"[]:7077", "is no IPv6 address"},
    {"http://host:7077", "without http://"},
    {"grpc://host:7077", "without grpc://"},
    {"tcp://127.0.0.1:7077", "without tcp://"},
    {"unix:", "path is missing"},
    {"unix://", "write unix:PATH"},
    {"unix://run/v.sock", "write unix:PATH"},
    {"unix:" + std::string(108, 'p'), "at most 107"},
    {std::string("unix:a\0b", 8), "zero bytes"},
    {"/run/v.sock", "port is missing"},
    {"xds:///host:7077", "without xds://"},
};

TEST(AddressTest, WhatBothSidesTake) {
  for (const std::string& good : kGood) {
    EXPECT_TRUE(ValidateListenAddress(good).ok()) << ValidateListenAddress(good);
    EXPECT_TRUE(ValidateTarget(good).ok()) << ValidateTarget(good);
  }
}

TEST(AddressTest, WhatNeitherSideTakesAndWhy) {
  for (const auto& [bad, why] : kBad) {
    for (const absl::Status& status : {ValidateListenAddress(bad), ValidateTarget(bad)}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr("is no address"), HasSubstr(why), Not(HasSubstr("\n"))));
    }
  }
}

TEST(AddressTest, OnlyAServerMayHaveAnyPort) {
  EXPECT_TRUE(ValidateListenAddress("127.0.0.1:0").ok());
  EXPECT_TRUE(ValidateListenAddress("[::]:0").ok());
  EXPECT_THAT(std::string(ValidateTarget("127.0.0.1:0").message()), HasSubstr("from 1 to 65535"));
}

TEST(AddressTest, AWorkerMayNameGrpcsResolver) {
  for (const char* good :
       {"dns:///host:7077", "dns:host:7077", "ipv4:10.0.0.1:7077", "ipv6:[::1]:7077"}) {
    EXPECT_TRUE(ValidateTarget(good).ok()) << good;
  }
  for (const char* bad : {"dns:///host", "dns:7077", "ipv4:", "ipv6:::1"}) {
    EXPECT_FALSE(ValidateTarget(bad).ok()) << bad;
  }
  EXPECT_FALSE(ValidateListenAddress("dns:///host:7077").ok());
}

}  // namespace
}  // namespace varscope
