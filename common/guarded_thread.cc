#include "common/guarded_thread.h"

#include <cstdlib>
#include <exception>
#include <new>
#include <utility>

#include "common/cause.h"
#include "common/log.h"

namespace ride {

void end_process(const Error& error) {
  log_error("{}; the process ends", error.message);
  std::_Exit(1);
}

void run_guarded(const std::string& name, const std::function<void()>& body, const std::function<void(Error)>& failed) {
  try {
    body();
  } catch (const std::bad_alloc&) {
    failed(Error{ErrorCode::resource_exhausted, name + " ran out of memory"});
  } catch (const std::exception& failure) {
    failed(Error{ErrorCode::internal, name + " failed: " + cause_of(failure)});
  } catch (...) {
    failed(Error{ErrorCode::internal, name + " failed with an exception of an unknown kind"});
  }
}

std::thread guarded_thread(std::string name, std::function<void()> body, std::function<void(Error)> failed) {
  return std::thread([name = std::move(name), body = std::move(body), failed = std::move(failed)] {
    run_guarded(name, body, failed);
  });
}

}  // namespace ride
