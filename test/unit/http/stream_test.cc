#include <condition_variable>
#include <mutex>

#include "fakes/result_matchers.h"
#include "simgpu/http/server.h"
#include "unit/http/client.h"

namespace simgpu::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

/// A flag that one thread sets and another one waits for.
class Signal {
 public:
  void set() {
    std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

std::unique_ptr<Server> streaming(std::function<void(BodyWriter&)> stream) {
  auto handler = [stream](const Request&) {
    return Response{.contentType = "application/json", .headers = {}, .body = {}, .stream = stream};
  };
  return Server::start({}, handler, {}).value();
}

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

void writeUntilGone(BodyWriter& writer) {
  while (writer.open() && writer.write("x")) {
  }
}

TEST(HttpStream, PiecesArriveAtOnce) {
  Signal read;
  auto server = streaming([&](BodyWriter& writer) {
    writer.write("first");
    read.wait();
    writer.write("second");
  });
  Client client(server->port());
  client.send(kRequest);

  EXPECT_THAT(client.readUntil("first"), HasSubstr("Transfer-Encoding: chunked"));
  read.set();
  EXPECT_THAT(client.readUntil("\r\n0\r\n\r\n"), EndsWith("\r\n0\r\n\r\n"));
}

TEST(HttpStream, TheConnectionCanBeUsedAgainAfterwards) {
  auto server = streaming([](BodyWriter& writer) { writer.write("once"); });
  Client client(server->port());

  for (int i = 0; i < 2; ++i) {
    client.send(kRequest);
    EXPECT_THAT(client.readUntil("\r\n0\r\n\r\n"), HasSubstr("\r\n4\r\nonce\r\n0\r\n\r\n"));
  }
}

TEST(HttpStream, EndsWhenTheClientIsGone) {
  Signal ended;
  auto server = streaming([&](BodyWriter& writer) {
    writeUntilGone(writer);
    ended.set();
  });
  Client client(server->port());
  client.send(kRequest);
  client.readUntil("x");

  client.close();

  EXPECT_TRUE(ended.wait());
}

TEST(HttpStream, EndsWhenTheServerStops) {
  Signal ended;
  auto server = streaming([&](BodyWriter& writer) {
    writeUntilGone(writer);
    ended.set();
  });
  Client client(server->port());
  client.send(kRequest);
  client.readUntil("x");

  server.reset();

  EXPECT_TRUE(ended.wait());
}

TEST(HttpStream, EndsWhenConnectionsAreDropped) {
  Signal ended;
  auto server = streaming([&](BodyWriter& writer) {
    writeUntilGone(writer);
    ended.set();
  });
  Client client(server->port());
  client.send(kRequest);
  client.readUntil("x");

  server->closeConnections();

  EXPECT_TRUE(ended.wait());
}

}  // namespace
}  // namespace simgpu::http
