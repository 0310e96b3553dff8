terraform {
  required_version = ">= 1.2"

  required_providers {
    jdcloud = {
      source  = "jdcloud/jdcloud"
      version = "~> 0.1"
    }
  }
}
