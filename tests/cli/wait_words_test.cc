#include "cli/core/wait_words.h"

#include <gtest/gtest.h>

#include "common/json.h"

namespace ride::cli {
namespace {

using Json = nlohmann::json;
using Seconds = WaitWords::Seconds;

const Json kWaits = {{"waiting", {"bin waits: no suitable worker is available (1 wanted); the pool has 1 worker"}}};

TEST(WaitWords, WhatLacksIsToldWithHowLongItHasLacked) {
  WaitWords waits;
  waits.see(Json::object(), Seconds(3));
  EXPECT_EQ(waits.text(), "");
  waits.see(kWaits, Seconds(4));
  EXPECT_EQ(waits.text(), "") << "as with every start";
  waits.see(kWaits, Seconds(16));
  EXPECT_EQ(waits.text(),
            "waits for 12 s: bin waits: no suitable worker is available (1 wanted); the pool has 1 worker");
  waits.see({{"waiting", Json::array()}}, Seconds(17));
  EXPECT_EQ(waits.text(), "");
  waits.see(kWaits, Seconds(18));
  EXPECT_EQ(waits.text(), "") << "counted anew";
}

TEST(WaitWords, AnAnswerOfAnotherKindIsReadWithMercy) {
  WaitWords waits;
  waits.see({{"waiting", {1, nullptr, "a\x1b[1mb"}}}, Seconds(0));
  waits.see({{"waiting", {1, nullptr, "a\x1b[1mb"}}}, Seconds(9));
  EXPECT_EQ(waits.text().find('\x1b'), std::string::npos);
  EXPECT_EQ(render_lacks({{"lacks", "no list"}}), "");
  EXPECT_EQ(render_lacks({{"lacks",
                           {{{"stage", "bin"}, {"text", "'bin' has no worker"}},
                            {{"source", "gate"}, {"text", "'gate' has no producer"}}}}}),
            "  stage 'bin' has no worker\n  source 'gate' has no producer\n");
}

}  // namespace
}  // namespace ride::cli
