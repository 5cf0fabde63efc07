// Assertions on Status and Result that print the message: EXPECT_TRUE(IsOk(storage.Remove("a"))).
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/status.h"

namespace varve {

inline const Status& StatusOf(const Status& status) {
  return status;
}
template <typename T>
const Status& StatusOf(const Result<T>& result) {
  return result.status();
}

template <typename Outcome>
testing::AssertionResult HasCode(const Outcome& outcome, Code code) {
  const Status& status = StatusOf(outcome);
  if (status.code() == code) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << CodeName(status.code()) << " instead of " << CodeName(code) << ": " << status.message();
}

template <typename Outcome>
testing::AssertionResult IsOk(const Outcome& outcome) {
  return HasCode(outcome, Code::kOk);
}

// Its message contains the text.
template <typename Outcome>
testing::AssertionResult Mentions(const Outcome& outcome, const std::string& text) {
  const std::string& message = StatusOf(outcome).message();
  if (message.find(text) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no \"" << text << "\" in: " << message;
}

}  // namespace varve
