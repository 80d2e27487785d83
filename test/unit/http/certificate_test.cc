// Certificates that are missing, wrong, or replaced while the server runs.

#include "fakes/fake_clock.h"
#include "fakes/fake_files.h"
#include "fakes/memory_log.h"
#include "fakes/result_matchers.h"
#include "fakes/test_ca.h"
#include "simgpu/http/server.h"
#include "unit/http/tls_client.h"

namespace simgpu::http {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::chrono::seconds kHour = std::chrono::hours(1);

/// The machine's time, and what a test adds to it.
class ShiftedClock final : public base::Clock {
 public:
  TimePoint now() const override { return system_.now() + shift; }
  WallTime wallTime() const override { return system_.wallTime() + shift; }
  bool waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed, TimePoint deadline,
                 const std::stop_token& stop, const std::function<bool()>& ready) override {
    return system_.waitUntil(lock, changed, deadline, stop, ready);
  }

  std::chrono::seconds shift{0};

 private:
  base::SystemClock system_;
};

class HttpCertificateTest : public testing::Test {
 protected:
  void put(const fakes::PemPair& pair) {
    files.put("/cert/tls.crt", pair.certificate);
    files.put("/cert/tls.key", pair.key);
  }

  Result<std::unique_ptr<Server>> start() {
    return Server::start(
        {.tls = TlsFiles{"/cert/tls.crt", "/cert/tls.key", files, clock}}, [](const Request&) { return Response{}; },
        base::Logger(log, clock, {}));
  }

  /// Which certificate a new connection gets.
  static std::string nameSeen(const Server& server) { return TlsClient(server.port()).serverName(); }

  std::size_t complaints() const { return log.count("The certificate files cannot be used"); }

  fakes::TestCa ca{"authority"};
  fakes::PemPair first = ca.issue("first");
  fakes::PemPair second = ca.issue("second");
  fakes::FakeFiles files;
  ShiftedClock clock;
  fakes::MemoryLog log;
};

TEST_F(HttpCertificateTest, AMissingFileIsNamed) {
  EXPECT_THAT(start(), Fails(Code::notFound, AllOf(HasSubstr("certificate"), HasSubstr("/cert/tls.crt"))));
  files.put("/cert/tls.crt", first.certificate);
  EXPECT_THAT(start(), Fails(Code::notFound, AllOf(HasSubstr("private key"), HasSubstr("/cert/tls.key"))));
}

TEST_F(HttpCertificateTest, AFileThatIsNoneIsNamed) {
  put({first.certificate.substr(0, 100), first.key});
  EXPECT_THAT(start(), Fails(Code::invalidArgument, HasSubstr("certificate /cert/tls.crt: expected one or more")));
  put({"", ""});
  EXPECT_THAT(start(), Fails(Code::invalidArgument, HasSubstr("certificate /cert/tls.crt: expected one or more")));
  put({first.certificate, first.key.substr(0, 100)});
  EXPECT_THAT(start(), Fails(Code::invalidArgument, HasSubstr("private key /cert/tls.key: expected the key of")));
}

TEST_F(HttpCertificateTest, AKeyOfAnotherCertificateIsRefused) {
  put({first.certificate, second.key});

  EXPECT_THAT(start(),
              Fails(Code::invalidArgument,
                    HasSubstr("private key /cert/tls.key: expected the key of the certificate in /cert/tls.crt")));
}

TEST_F(HttpCertificateTest, AKeyWithAPasswordIsRefusedWithoutAskingForIt) {
  put({first.certificate,
       "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
       "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjLEBl6JUKaJwICCAAw\n"
       "-----END ENCRYPTED PRIVATE KEY-----\n"});

  EXPECT_THAT(start(), Fails(Code::invalidArgument, HasSubstr("without a password")));
}

TEST_F(HttpCertificateTest, AnExpiredCertificateIsRefused) {
  put(ca.issue("old", {}, -std::chrono::minutes(1)));

  EXPECT_THAT(start(), Fails(Code::failedPrecondition,
                             AllOf(HasSubstr("certificate /cert/tls.crt: expired on 20"), HasSubstr("; renew it"))));
}

TEST_F(HttpCertificateTest, AReplacedPairServesNewConnections) {
  put(first);
  auto server = start().value();
  EXPECT_EQ(nameSeen(*server), "first");

  put(second);

  EXPECT_EQ(nameSeen(*server), "second");
  EXPECT_EQ(log.count("Using the new certificate"), 1);
  EXPECT_EQ(complaints(), 0);
}

TEST_F(HttpCertificateTest, APairThatIsBeingReplacedLeavesTheOldOneInUse) {
  put(first);
  auto server = start().value();

  for (const fakes::PemPair& halfWritten :
       {fakes::PemPair{second.certificate, first.key}, fakes::PemPair{second.certificate.substr(0, 200), first.key},
        fakes::PemPair{second.certificate, second.key.substr(0, 50)}}) {
    put(halfWritten);
    EXPECT_EQ(nameSeen(*server), "first");
  }
  EXPECT_EQ(complaints(), 3);
  put(second);
  EXPECT_EQ(nameSeen(*server), "second");
}

TEST_F(HttpCertificateTest, FilesThatAreGoneForAMomentLeaveTheOldOneInUse) {
  put(first);
  auto server = start().value();

  ASSERT_OK(files.remove("/cert/tls.key"));
  EXPECT_EQ(nameSeen(*server), "first");
  put(second);

  EXPECT_EQ(nameSeen(*server), "second");
}

TEST_F(HttpCertificateTest, AnExpiredPairIsNotTaken) {
  put(first);
  auto server = start().value();

  put(ca.issue("old", {}, -std::chrono::minutes(1)));

  EXPECT_EQ(nameSeen(*server), "first");
  EXPECT_EQ(log.count("expired on"), 1);
}

TEST_F(HttpCertificateTest, TheSameTroubleIsLoggedOnce) {
  put(first);
  auto server = start().value();

  put({second.certificate, first.key});
  nameSeen(*server);
  nameSeen(*server);

  EXPECT_EQ(complaints(), 1);
}

TEST_F(HttpCertificateTest, ACertificateThatExpiresInUseIsLoggedAndServedUntilItIsRenewed) {
  put(first);
  auto server = start().value();

  clock.shift = 2 * kHour;
  EXPECT_EQ(nameSeen(*server), "first");
  EXPECT_EQ(log.count("expired on"), 1);
  put(ca.issue("renewed", {}, 3 * kHour));

  EXPECT_EQ(nameSeen(*server), "renewed");
}

}  // namespace
}  // namespace simgpu::http
