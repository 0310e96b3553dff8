# The profile [staging] of ~/.jdc/config. It takes precedence over the environment.
provider "jdcloud" {
  profile = "staging"
}
