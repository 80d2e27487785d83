#include "simgpu/base/status.h"

#include <cerrno>
#include <cstring>

namespace simgpu {

std::string_view codeName(Code code) {
  switch (code) {
    case Code::ok:
      return "OK";
    case Code::invalidArgument:
      return "InvalidArgument";
    case Code::notFound:
      return "NotFound";
    case Code::alreadyExists:
      return "AlreadyExists";
    case Code::conflict:
      return "Conflict";
    case Code::failedPrecondition:
      return "FailedPrecondition";
    case Code::permissionDenied:
      return "PermissionDenied";
    case Code::unauthenticated:
      return "Unauthenticated";
    case Code::resourceExhausted:
      return "ResourceExhausted";
    case Code::unavailable:
      return "Unavailable";
    case Code::deadlineExceeded:
      return "DeadlineExceeded";
    case Code::cancelled:
      return "Cancelled";
    case Code::expired:
      return "Expired";
    case Code::dataLoss:
      return "DataLoss";
    case Code::unimplemented:
      return "Unimplemented";
    case Code::internal:
      return "Internal";
  }
  return "Unknown";
}

std::string Status::toString() const {
  if (ok()) {
    return "OK";
  }
  return fmt::format("{}: {}", codeName(code_), message_);
}

Status statusOfErrno(int error, std::string_view what) {
  Code code = Code::unavailable;
  switch (error) {
    case ENOENT:
      code = Code::notFound;
      break;
    case EEXIST:
      code = Code::alreadyExists;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::permissionDenied;
      break;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      code = Code::resourceExhausted;
      break;
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENOTEMPTY:
      code = Code::failedPrecondition;
      break;
    case EINVAL:
    case ENAMETOOLONG:
      code = Code::invalidArgument;
      break;
    default:
      break;
  }
  return {code, fmt::format("{}: {}", what, std::strerror(error))};  // NOLINT(concurrency-mt-unsafe): glibc's is safe
}

}  // namespace simgpu
