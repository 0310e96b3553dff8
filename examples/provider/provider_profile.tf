# The section [staging] of ~/.jdc/config, whatever the environment says.
provider "jdcloud" {
  profile = "staging"
}
