#include "kube/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_clock.h"
#include "fakes/fake_files.h"
#include "fakes/result_matchers.h"

namespace simgpu::kube {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CredentialsTest : public testing::Test {
 protected:
  void SetUp() override { config.origin = "/kubeconfig"; }

  Status open() {
    auto result = Credentials::open(config, clock, files, runner, {}, [] {});
    if (!result) {
      return result.error();
    }
    credentials = *std::move(result);
    return {};
  }

  Identity identity() {
    auto current = credentials->current();
    EXPECT_TRUE(current.has_value());
    EXPECT_OK(*current);
    generation = (*current)->generation;
    return (*current)->identity;
  }

  Config config;
  fakes::FakeClock clock;
  fakes::FakeFiles files;
  PosixProcessRunner runner;
  std::unique_ptr<Credentials> credentials;
  std::uint64_t generation = 0;
};

TEST_F(CredentialsTest, AFileThatIsMissingOrEmptyAtTheStartIsAFailure) {
  config.tokenFile = "/token";
  EXPECT_THAT(open(), Fails(Code::notFound, AllOf(HasSubstr("/kubeconfig"), HasSubstr("/token"))));
  files.put("/token", " \n");
  EXPECT_THAT(open(), Fails(Code::failedPrecondition, HasSubstr("/token is empty")));
}

TEST_F(CredentialsTest, ATokenFileIsReadAgainWithinAMinute) {
  config.tokenFile = "/token";
  config.token = "loses";
  files.put("/token", "one\n");
  ASSERT_OK(open());
  EXPECT_EQ(identity().authorization, "Bearer one");

  files.put("/token", "two\n");
  clock.advance(seconds(49));
  EXPECT_EQ(identity().authorization, "Bearer one");
  clock.advance(seconds(2));
  EXPECT_EQ(identity().authorization, "Bearer two");
}

TEST_F(CredentialsTest, ATokenThatIsRefusedIsReadAgainAtOnce) {
  config.tokenFile = "/token";
  files.put("/token", "one");
  ASSERT_OK(open());
  identity();
  files.put("/token", "two");

  EXPECT_TRUE(credentials->refused(generation));
  EXPECT_EQ(identity().authorization, "Bearer two");
}

TEST_F(CredentialsTest, AFileThatCannotBeReadAgainStaysInUse) {
  config.tokenFile = "/token";
  files.put("/token", "one");
  ASSERT_OK(open());
  ASSERT_OK(files.remove("/token"));
  clock.advance(seconds(120));
  EXPECT_EQ(identity().authorization, "Bearer one");
}

TEST_F(CredentialsTest, AFixedTokenThatIsRefusedIsNotTriedAgain) {
  config.token = "fixed";
  ASSERT_OK(open());
  EXPECT_EQ(identity().authorization, "Bearer fixed");
  EXPECT_FALSE(credentials->refused(generation));
}

TEST_F(CredentialsTest, ARequestThatUsedAnOlderTokenIsTriedAgain) {
  config.tokenFile = "/token";
  files.put("/token", "one");
  ASSERT_OK(open());
  identity();
  auto old = generation;
  files.put("/token", "two");
  clock.advance(seconds(60));
  identity();
  EXPECT_TRUE(credentials->refused(old));
}

TEST_F(CredentialsTest, ATokenCannotAddHeaders) {
  config.token = "a\r\nX-Evil: 1";
  ASSERT_OK(open());
  auto current = credentials->current();
  ASSERT_TRUE(current.has_value());
  EXPECT_THAT(*current, Fails(Code::failedPrecondition, AllOf(HasSubstr("/kubeconfig"), Not(HasSubstr("Evil")))));
}

TEST_F(CredentialsTest, NameAndPasswordBecomeBasicAuthentication) {
  config.username = "Aladdin";
  config.password = "open sesame";
  ASSERT_OK(open());
  EXPECT_EQ(identity().authorization, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

TEST_F(CredentialsTest, NobodyIsNobody) {
  ASSERT_OK(open());
  EXPECT_EQ(identity(), Identity());
}

TEST_F(CredentialsTest, CertificatesAreReadAgainWhenTlsFails) {
  config.certificateAuthority.file = "/ca";
  config.clientCertificate.file = "/crt";
  config.clientKey.inlineData = "KEY";
  files.put("/ca", "CA1");
  files.put("/crt", "CRT1");
  ASSERT_OK(open());
  EXPECT_EQ(identity(), (Identity{"", "CRT1", "KEY", "CA1"}));
  EXPECT_FALSE(credentials->distrusted(generation)) << "nothing changed, so a repetition fails again";

  files.put("/ca", "CA2");
  EXPECT_TRUE(credentials->distrusted(generation));
  EXPECT_EQ(identity().authority, "CA2");
}

TEST_F(CredentialsTest, AClientCertificateThatIsRefusedIsReadAgain) {
  config.clientCertificate.file = "/crt";
  config.clientKey.inlineData = "KEY";
  files.put("/crt", "CRT1");
  ASSERT_OK(open());
  identity();
  EXPECT_FALSE(credentials->refused(generation));
  files.put("/crt", "CRT2");
  EXPECT_TRUE(credentials->refused(generation));
  EXPECT_EQ(identity().certificate, "CRT2");
}

}  // namespace
}  // namespace simgpu::kube
