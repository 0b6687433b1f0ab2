# frozen_string_literal: true

Gem::Specification.new do |spec|
  spec.name = "mpt_tokens"
  spec.version = "0.1.0"
  spec.summary = "Deletes API tokens of the SoftwareONE Marketplace, and says what is true of them afterwards"
  spec.authors = ["The mpt-tokens authors"]
  spec.licenses = ["MIT", "Apache-2.0"]
  spec.required_ruby_version = ">= 3.1"
  spec.files = ["lib/mpt_tokens.rb", "README.md"]
  # Fiddle is a part of Ruby up to 3.4, and a gem from 3.5 on.
  spec.add_dependency "fiddle", "~> 1.1"
end
