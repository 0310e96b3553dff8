# Terraform 1.10 and later: ephemeral values are stored neither in the plan nor in the state.
variable "access_key" {
  type      = string
  ephemeral = true
}

variable "secret_key" {
  type      = string
  sensitive = true
  ephemeral = true
}

variable "security_token" {
  type      = string
  sensitive = true
  ephemeral = true
}

provider "jdcloud" {
  region         = "cn-north-1"
  access_key     = var.access_key
  secret_key     = var.secret_key
  security_token = var.security_token
}
