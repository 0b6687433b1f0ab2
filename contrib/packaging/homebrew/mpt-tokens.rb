class MptTokens < Formula
  desc "Delete API tokens of the SoftwareONE Marketplace, and know that they are dead"
  homepage "https://github.com/@repository@"
  version "@version@"
  license any_of: ["Apache-2.0", "MIT"]

  on_macos do
    on_arm do
      url "@url:macos-aarch64@"
      sha256 "@sha256:macos-aarch64@"
    end
    on_intel do
      url "@url:macos-x86_64@"
      sha256 "@sha256:macos-x86_64@"
    end
  end

  on_linux do
    on_arm do
      url "@url:linux-aarch64@"
      sha256 "@sha256:linux-aarch64@"
    end
    on_intel do
      url "@url:linux-x86_64@"
      sha256 "@sha256:linux-x86_64@"
    end
  end

  def install
    bin.install "bin/mpt-tokens"
    include.install Dir["include/*"]
    lib.install Dir["lib/*"]
    (man1/"mpt-tokens.1").write Utils.safe_popen_read(bin/"mpt-tokens", "man")
    generate_completions_from_executable(bin/"mpt-tokens", "completions")
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/mpt-tokens --version")
  end
end
