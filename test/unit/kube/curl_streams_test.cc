#include <condition_variable>

#include <gmock/gmock.h>

#include "unit/kube/transport_fixture.h"

namespace simgpu::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunk(std::string_view bytes) {
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

class CurlStreamsTest : public TransportTest {
 protected:
  void start(milliseconds headersWithin = seconds(20), seconds silence = seconds(20)) {
    stream = transport->stream(get("/watch", headersWithin), silence, [this] {
      std::lock_guard lock(mutex);
      ++wakes;
      changed.notify_all();
    });
  }

  /// Waits for a wake-up and adds what arrived to `all`.
  void take() {
    {
      std::unique_lock lock(mutex);
      ASSERT_TRUE(changed.wait_for(lock, seconds(20), [this] { return wakes > 0; }));
      wakes = 0;
    }
    auto batch = stream->take();
    all.lines.insert(all.lines.end(), batch.lines.begin(), batch.lines.end());
    if (batch.ended) {
      all.ended = batch.ended;
      all.error = batch.error;
    }
  }

  void takeUntilEnd() {
    while (!all.ended && !HasFatalFailure()) {
      take();
    }
  }

  std::mutex mutex;
  std::condition_variable changed;
  int wakes = 0;
  HttpStream::Batch all;
  std::unique_ptr<HttpStream> stream;
};

TEST_F(CurlStreamsTest, AnotherStatusEndsItWithTheAnswer) {
  ScriptedServer server(eachRequest(
      [](auto&, auto& connection) { connection.answer(403, "{\"kind\":\"Status\"}\n", "Retry-After: 3\r\n"); }));
  open(server.url());
  start();
  takeUntilEnd();
  EXPECT_OK(*all.ended);
  ASSERT_TRUE(all.error);
  EXPECT_EQ(all.error->status, 403);
  EXPECT_EQ(all.error->body, "{\"kind\":\"Status\"}\n");
  EXPECT_EQ(all.error->retryAfter, seconds(3));
  EXPECT_THAT(all.lines, IsEmpty());
}

TEST_F(CurlStreamsTest, HeadersThatDoNotComeEndIt) {
  ScriptedServer server(eachRequest([](auto&, auto& connection) { connection.hold(); }));
  open(server.url());
  start(milliseconds(50));
  takeUntilEnd();
  EXPECT_THAT(*all.ended, Fails(Code::deadlineExceeded, HasSubstr("did not answer in time")));
}

TEST_F(CurlStreamsTest, SilenceEndsIt) {
  ScriptedServer server([](auto& connection) {
    connection.read();
    connection.send(kChunked);
    connection.send(chunk("one\n"));
    connection.hold();
  });
  open(server.url());
  start(seconds(20), seconds(1));
  takeUntilEnd();
  EXPECT_THAT(all.lines, ElementsAre("one"));
  EXPECT_THAT(*all.ended, Fails(Code::deadlineExceeded, HasSubstr("sent nothing for 1 s")));
}

TEST_F(CurlStreamsTest, ALineThatIsTooLongEndsIt) {
  ScriptedServer server([](auto& connection) {
    connection.read();
    connection.send("HTTP/1.1 200 OK\r\n\r\nfirst\n");
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 18; ++i) {
      connection.send(piece);
    }
    connection.hold();
  });
  open(server.url());
  start();
  takeUntilEnd();
  EXPECT_THAT(all.lines, ElementsAre("first"));
  EXPECT_THAT(*all.ended, Fails(Code::invalidArgument, HasSubstr("line longer than 16777216 bytes")));
}

TEST_F(CurlStreamsTest, AConnectionThatBreaksIsReportedAfterItsLines) {
  ScriptedServer server([](auto& connection) {
    connection.read();
    connection.send(kChunked);
    connection.send(chunk("one\ntw"));
  });
  open(server.url());
  start();
  takeUntilEnd();
  EXPECT_THAT(all.lines, ElementsAre("one"));
  EXPECT_THAT(*all.ended, Fails(Code::unavailable, AllOf(HasSubstr(server.url()), HasSubstr("broke off"))));
}

TEST_F(CurlStreamsTest, LinesArriveWholeHoweverTheyAreCut) {
  ScriptedServer server([](auto& connection) {
    connection.read();
    std::string answer = std::string(kChunked) + chunk("{\"a\":") + chunk("1}\n{\"b\"") + chunk(":2}") +
                         chunk("\n\n{\"c\":3}\n") + "0\r\n\r\n";
    for (char c : answer) {
      connection.send({&c, 1});
    }
    connection.hold();
  });
  open(server.url());
  start();
  takeUntilEnd();
  EXPECT_OK(*all.ended);
  EXPECT_FALSE(all.error);
  EXPECT_THAT(all.lines, ElementsAre("{\"a\":1}", "{\"b\":2}", "", "{\"c\":3}"));
}

TEST_F(CurlStreamsTest, LinesArriveWhileTheStreamGoesOn) {
  std::promise<void> seen;
  ScriptedServer server([&](auto& connection) {
    connection.read();
    connection.send(kChunked);
    connection.send(chunk("one\n"));
    seen.get_future().wait();
    connection.send(chunk("two\n"));
    connection.hold();
  });
  open(server.url());
  start();
  take();
  EXPECT_THAT(all.lines, ElementsAre("one"));
  seen.set_value();
  take();
  EXPECT_THAT(all.lines, ElementsAre("one", "two"));
  EXPECT_FALSE(all.ended);
}

TEST_F(CurlStreamsTest, AStreamHasAConnectionToItself) {
  ScriptedServer server(eachRequest([](auto& request, auto& connection) {
    if (request.target == "/watch") {
      connection.send(kChunked);
      connection.send(chunk("one\n"));
    } else {
      connection.answer(200, "{}");
    }
  }));
  open(server.url());
  ASSERT_OK(fetch("/x"));
  start();
  take();
  ASSERT_OK(fetch("/x"));
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(CurlStreamsTest, ARefusedTokenIsReadAgain) {
  files.put("/token", "old");
  config.tokenFile = "/token";
  ScriptedServer server(eachRequest([](auto& request, auto& connection) {
    bool good = request.headers.at("authorization") == "Bearer new";
    connection.answer(good ? 200 : 401, good ? "line\n" : "no\n");
  }));
  open(server.url());
  files.put("/token", "new");
  start();
  takeUntilEnd();
  EXPECT_THAT(all.lines, ElementsAre("line"));
  EXPECT_FALSE(all.error);
}

TEST_F(CurlStreamsTest, DestroyingTheStreamClosesItsConnection) {
  std::atomic<bool> gone = false;
  ScriptedServer server([&](auto& connection) {
    connection.read();
    connection.send(kChunked);
    connection.send(chunk("one\n"));
    connection.hold();
    gone = true;
  });
  open(server.url());
  start();
  take();
  stream.reset();
  EXPECT_TRUE(eventually([&] { return gone.load(); }));
}

TEST_F(CurlStreamsTest, NoWakeComesAfterDestruction) {
  ScriptedServer server([](auto& connection) {
    connection.read();
    connection.send("HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 20000; ++i) {
      connection.send("line\n");
    }
  });
  open(server.url());
  for (int i = 0; i < 20; ++i) {
    auto counter = std::make_unique<std::atomic<int>>(0);
    auto one = transport->stream(get("/watch"), seconds(20), [&counter] { ++*counter; });
    ASSERT_TRUE(eventually([&] { return *counter > 0; }));
    one.reset();
    counter.reset();
  }
}

TEST_F(CurlStreamsTest, AStreamOutlivesItsTransport) {
  ScriptedServer server([](auto& connection) {
    connection.read();
    connection.send(kChunked);
    connection.hold();
  });
  open(server.url());
  start();
  transport.reset();
  takeUntilEnd();
  EXPECT_THAT(*all.ended, Fails(Code::cancelled, HasSubstr("stopped")));
  stream.reset();
}

}  // namespace
}  // namespace simgpu::kube
