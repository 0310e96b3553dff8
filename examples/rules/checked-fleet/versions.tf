terraform {
  required_version = ">= 1.8"

  required_providers {
    jdcloud = {
      source  = "jdcloud/jdcloud"
      version = "~> 0.1"
    }
  }
}
